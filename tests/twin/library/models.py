"""The models of the Django side, as tests/apps/twin/main.c has them."""
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

KINDS = [("novel", "Novel"), ("play", "Play"), ("essay", "Essay")]


class Author(models.Model):
    name = models.CharField(max_length=20, unique=True)
    email = models.EmailField(blank=True)

    class Meta:
        db_table, ordering = "library_author", ["id"]


class Tag(models.Model):
    word = models.SlugField(max_length=12, unique=True)

    class Meta:
        db_table, ordering = "library_tag", ["id"]


class Book(models.Model):
    title = models.CharField(max_length=30)
    kind = models.CharField(max_length=10, choices=KINDS, default="novel")
    year = models.IntegerField(null=True, blank=True, validators=[MinValueValidator(1000), MaxValueValidator(2100)])
    rating = models.FloatField(default=0)
    lent = models.BooleanField(default=False)
    bought = models.DateField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    link = models.URLField(blank=True)
    notes = models.TextField(blank=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    tags = models.ManyToManyField(Tag, blank=True)

    class Meta:
        db_table, ordering, unique_together = "library_book", ["id"], [("title", "author")]


class Chapter(models.Model):
    book = models.ForeignKey(Book, related_name="chapters", on_delete=models.CASCADE)
    number = models.IntegerField()
    heading = models.CharField(max_length=20)

    class Meta:
        db_table, ordering = "library_chapter", ["number"]
