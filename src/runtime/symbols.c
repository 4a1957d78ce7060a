/* Names for addresses, from the symbol tables of the files that are mapped.
 *
 * dladdr() knows only what a file exports, which for a program is next to nothing; so the file's own
 * .symtab is read. Runs in a short-lived child, so it maps whole files and frees nothing.
 */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "runtime/runtime_internal.h"

struct image {
    const char *bytes; /* NULL: could not be mapped */
    size_t size;
};

static struct image image_map(const char *path)
{
    struct image image = { 0 };
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return image;
    if (!fstat(fd, &info) && info.st_size > (off_t)sizeof(ElfW(Ehdr))) {
        void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes != MAP_FAILED)
            image = (struct image){ bytes, (size_t)info.st_size };
    }
    close(fd);
    return image;
}

static const void *image_at(const struct image *image, uint64_t offset, uint64_t bytes)
{
    if (offset > image->size || bytes > image->size - offset)
        return NULL;
    return image->bytes + offset;
}

/* The function that holds `value`, in one symbol table; NULL when there is none. */
static const char *search_table(const struct image *image, const ElfW(Shdr) * sections,
                                const ElfW(Shdr) * table, uint64_t value, uint64_t *out_offset)
{
    const ElfW(Shdr) *strings = &sections[table->sh_link];
    const char *names = image_at(image, strings->sh_offset, strings->sh_size);
    const ElfW(Sym) *symbols = image_at(image, table->sh_offset, table->sh_size);
    if (!names || !symbols || !strings->sh_size || names[strings->sh_size - 1])
        return NULL;
    for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
        const ElfW(Sym) *symbol = &symbols[i];
        if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF ||
            value < symbol->st_value || value - symbol->st_value >= symbol->st_size ||
            symbol->st_name >= strings->sh_size)
            continue;
        *out_offset = value - symbol->st_value;
        return names + symbol->st_name;
    }
    return NULL;
}

static const char *search_image(const struct image *image, uint64_t value, uint64_t *out_offset)
{
    const ElfW(Ehdr) *header = image_at(image, 0, sizeof *header);
    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
        header->e_shentsize != sizeof(ElfW(Shdr)))
        return NULL;
    const ElfW(Shdr) *sections =
        image_at(image, header->e_shoff, (uint64_t)header->e_shnum * sizeof *sections);
    if (!sections)
        return NULL;
    const uint32_t kinds[] = { SHT_SYMTAB, SHT_DYNSYM };
    for (size_t k = 0; k < CZ_COUNT(kinds); k++)
        for (size_t i = 0; i < header->e_shnum; i++) {
            if (sections[i].sh_type != kinds[k] || sections[i].sh_link >= header->e_shnum)
                continue;
            const char *name = search_table(image, sections, &sections[i], value, out_offset);
            if (name)
                return name;
        }
    return NULL;
}

void cz__symbol_write(char *out, size_t bytes, uint64_t address)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1((void *)(uintptr_t)address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) {
        cz_ignore(
            snprintf(out, bytes, "0x%llx", (unsigned long long)address)); /* cut is harmless */
        return;
    }
    bool program = !map->l_name || !map->l_name[0];
    const char *path = program ? "/proc/self/exe" : map->l_name;
    struct image image = image_map(path);
    uint64_t value = address - (uint64_t)map->l_addr, offset = 0;
    const char *name = image.bytes ? search_image(&image, value, &offset) : NULL;
    const char *slash = strrchr(path, '/');
    if (name)
        cz_ignore(snprintf(out, bytes, "%s+0x%llx", name, (unsigned long long)offset));
    else
        cz_ignore(snprintf(out, bytes, "%s+0x%llx",
                           program ? "program"
                           : slash ? slash + 1
                                   : path,
                           (unsigned long long)value));
    if (image.bytes)
        munmap((void *)image.bytes, image.size);
}
