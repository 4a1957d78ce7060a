"""The API of tests/apps/twin with Django REST Framework and django-filter, asked in this process."""
import json
import sys

import django
from django.conf import settings

def configure(database):
    settings.configure(
        DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, USE_TZ=True, TIME_ZONE="UTC", SECRET_KEY="twin",
        DATABASES={"default": database}, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_L10N=False,
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "django_filters", "library"],
        REST_FRAMEWORK={"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
                        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
                        "DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None})
    django.setup()


def declare():
    from django.core.validators import FileExtensionValidator
    from django.urls import include, path
    from rest_framework import decorators, filters, pagination, permissions, response, routers, serializers, viewsets
    import django_filters.rest_framework as django_filter

    from library.models import Author, Book, Chapter, Tag

    class AuthorSerializer(serializers.ModelSerializer):
        class Meta:
            model, fields = Author, ["id", "name", "email"]

    class TagSerializer(serializers.ModelSerializer):
        class Meta:
            model, fields = Tag, ["id", "word"]

    class ChapterSerializer(serializers.ModelSerializer):
        class Meta:
            model, fields = Chapter, ["id", "number", "heading"]

    class BookSerializer(serializers.ModelSerializer):
        class Meta:
            model = Book
            fields = ["id", "title", "kind", "year", "rating", "lent", "bought", "read_at", "link", "notes", "author", "tags"]

    class WholeSerializer(serializers.ModelSerializer):
        author = AuthorSerializer()
        tags = serializers.SlugRelatedField(slug_field="word", many=True, read_only=True)
        chapters = ChapterSerializer(many=True)
        author_name = serializers.CharField(source="author.name")
        url = serializers.HyperlinkedIdentityField(view_name="book-detail")

        class Meta:
            model, fields = Book, ["id", "title", "author", "tags", "chapters", "author_name", "url"]

    class LinkSerializer(serializers.ModelSerializer):
        author = serializers.HyperlinkedRelatedField(view_name="author-detail", queryset=Author.objects.all())
        tags = serializers.SlugRelatedField(slug_field="word", many=True, queryset=Tag.objects.all(), required=False)

        class Meta:
            model, fields = Book, ["id", "title", "author", "tags"]

    def small(file):
        if file.size > 100:
            raise serializers.ValidationError("Ensure this file has at most 100 bytes (it has %d)." % file.size)

    class CoverSerializer(serializers.Serializer):
        title = serializers.CharField(max_length=20)
        cover = serializers.FileField(max_length=30, use_url=False, validators=[small, FileExtensionValidator(["png", "jpg"])])
        notes = serializers.FileField(required=False, allow_null=True, allow_empty_file=True, use_url=False)

    class LabelSerializer(serializers.Serializer):
        code = serializers.RegexField(r"^[A-Z]{2}-\d{2}$", max_length=8)
        word = serializers.CharField(min_length=3, max_length=6)
        nick = serializers.CharField(required=False, allow_blank=True, default="", min_length=2, max_length=6)

    def pages(base, **members):
        return type("Pages", (base,), members)

    class Deny(permissions.BasePermission):
        def has_permission(self, request, view):
            return False

    class Lists:
        filter_backends = [django_filter.DjangoFilterBackend, filters.SearchFilter, filters.OrderingFilter]
        filterset_fields = {"kind": ["exact"], "year": ["exact", "gte", "lt", "isnull"], "author": ["exact"],
                            "title": ["icontains"], "bought": ["exact"], "lent": ["exact"],
                            "author__name": ["exact", "istartswith"]}
        search_fields = ["title", "tags__word"]
        ordering_fields = ["title", "year", "id"]

    number, limit, cursor = pagination.PageNumberPagination, pagination.LimitOffsetPagination, pagination.CursorPagination

    class Authors(viewsets.ModelViewSet):
        queryset, serializer_class, pagination_class = Author.objects.all(), AuthorSerializer, pages(number, page_size=3)

    class Tags(viewsets.ModelViewSet):
        queryset, serializer_class = Tag.objects.all(), TagSerializer

    class Books(Lists, viewsets.ModelViewSet):
        queryset, serializer_class = Book.objects.all(), BookSerializer
        pagination_class = pages(number, page_size=4, page_size_query_param="page_size", max_page_size=10)

        @decorators.action(detail=False, methods=["post"], serializer_class=CoverSerializer)
        def cover(self, request):
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            return response.Response(serializer.data, status=201)

        @decorators.action(detail=False, methods=["post"], serializer_class=LabelSerializer)
        def label(self, request):
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            return response.Response(serializer.data, status=201)

    class Slices(Lists, viewsets.ModelViewSet):
        queryset, serializer_class = Book.objects.all(), BookSerializer
        pagination_class = pages(limit, default_limit=4, max_limit=10)

    class Cursors(viewsets.ModelViewSet):
        queryset, serializer_class = Book.objects.all(), BookSerializer
        pagination_class = pages(cursor, page_size=4, ordering="id")

    class Whole(viewsets.ReadOnlyModelViewSet):
        queryset, serializer_class, pagination_class = Book.objects.all(), WholeSerializer, pages(number, page_size=4)

    class Linked(viewsets.ModelViewSet):
        queryset, serializer_class, pagination_class = Book.objects.all(), LinkSerializer, pages(number, page_size=4)

    class Closed(viewsets.ModelViewSet):
        queryset, serializer_class, permission_classes = Book.objects.all(), BookSerializer, [Deny]

    router = routers.SimpleRouter()
    for name, view, base in [("authors", Authors, "author"), ("tags", Tags, "tag"), ("books", Books, "book"),
                             ("slices", Slices, "slice"), ("cursors", Cursors, "cursor"), ("whole", Whole, "whole"),
                             ("linked", Linked, "linked"), ("closed", Closed, "closed")]:
        view.lookup_value_regex = "[0-9]+"
        router.register(name, view, base)
    globals()["urlpatterns"] = [path("", include(router.urls)), *versioned(Author, AuthorSerializer)]
    return [Author, Tag, Book, Chapter]


def versioned(author, old_serializer):
    """Authors in two versions below a prefix for each of DRF's schemes: v1 as they are, v2 with their address."""
    from django.urls import include, path, re_path
    from rest_framework import routers, serializers, versioning, viewsets

    def view(base, name):
        class NewSerializer(serializers.ModelSerializer):
            url = serializers.HyperlinkedIdentityField(view_name=name + "-detail")

            class Meta:
                model, fields = author, ["id", "name", "email", "url"]

        class Authors(viewsets.ModelViewSet):
            queryset, lookup_value_regex = author.objects.all(), "[0-9]+"
            versioning_class = type("Scheme", (base,), {"default_version": "v1", "allowed_versions": ["v1", "v2"]})

            def get_view_name(self):
                return ("New " if self.request.version == "v2" else "Old ") + super().get_view_name()

            def get_serializer_class(self):
                return NewSerializer if self.request.version == "v2" else old_serializer

        router = routers.SimpleRouter()
        router.register("authors", Authors, name)
        return router.urls

    names = view(versioning.NamespaceVersioning, "author")
    return [path("spaces/v1/", include((names, "library"), namespace="v1")), path("spaces/v2/", include((names, "library"), namespace="v2")),
            re_path("^paths/(?P<version>[^/]+)/", include(view(versioning.URLPathVersioning, "path-author"))),
            path("accepts/", include(view(versioning.AcceptHeaderVersioning, "accept-author"))),
            path("queries/", include(view(versioning.QueryParameterVersioning, "query-author"))),
            path("hosts/", include(view(versioning.HostNameVersioning, "host-author")))]


def main():
    """Read requests as lines of JSON, make the tables and the rows first; write answers as lines of JSON."""
    configure(json.loads(sys.argv[1]))
    models = declare()
    from django.db import connection
    from django.test import Client
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
    client = Client(raise_request_exception=False, HTTP_HOST="twin.example")
    for line in sys.stdin:
        ask = json.loads(line)
        headers = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in ask.get("headers", {}).items()}
        body = ask.get("body")
        answer = client.generic(ask["method"], ask["target"], "" if body is None else body,
                                content_type=ask.get("type", "application/json" if body is not None else ""), **headers)
        print(json.dumps({"status": answer.status_code, "type": answer.get("Content-Type", ""),
                          "allow": answer.get("Allow", ""), "body": answer.content.decode("utf-8", "replace")}), flush=True)


if __name__ == "__main__":
    main()
