/* The application the benchmark measures: written as any project is, with the middleware, router, ORM and
 * serializers every project has. */
#include <calzone/calzone.h>

#define ITEM(F)                                                                                    \
    F(char_field, name, .max_length = 200)                                                         \
    F(text_field, description)                                                                     \
    F(float_field, price)                                                                          \
    F(big_int_field, quantity)                                                                     \
    F(datetime_field, created_at)
CZ_MODEL(Item, ITEM, .table = "items");

static CZ_SERIALIZER(ItemSerializer, Item,
                     .fields = CZ_FIELDS(Item, id, name, description, price, quantity, created_at));

static CZ_VIEWSET(item_views, Item, .serializer = &ItemSerializer, .permissions = &cz_read_only,
                  .read_only = true, .page_size = 50);

#define ARTICLE(F)                                                                                 \
    F(char_field, title, .max_length = 200)                                                        \
    F(slug_field, slug, .max_length = 200)                                                         \
    F(email_field, author_email)                                                                   \
    F(char_field, summary, .max_length = 500)                                                      \
    F(text_field, body)                                                                            \
    F(float_field, rating, .min = cz_int(0), .max = cz_int(5))                                     \
    F(bool_field, public)                                                                          \
    F(datetime_field, published_at)
CZ_MODEL(Article, ARTICLE, .table = "articles");

static CZ_SERIALIZER(ArticleSerializer, Article,
                     .fields = CZ_FIELDS(Article, id, title, slug, author_email, summary, body,
                                         rating, public, published_at));
static CZ_VIEWSET(article_views, Article, .serializer = &ArticleSerializer,
                  .permissions = &cz_allow_any, .only = { .create = true });

static void hello(cz_ctx *ctx, cz_request *req)
{
    cz_respond_json(ctx, req, 200, CZ_STR("{\"message\":\"Hello, World!\"}"));
}

static const cz_route urls[] = {
    CZ_GET("/json", hello),
    CZ_RESOURCE("/items", &item_views),
    CZ_RESOURCE("/articles", &article_views),
    CZ_STATIC("/files", "files"),
    CZ_ROUTES_END,
};

static const cz_app bench_app = { .name = "bench", .models = CZ_MODELS(Item, Article) };

CZ_PROJECT_MAIN("bench-items", .apps = CZ_APPS(&bench_app), .urls = urls)
