#include "api/ctl/table.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 2 };

static void add(struct table *table, const char *text) {
    char *cell = memory_text(text, strlen(text));
    for (char *at = cell; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7F) {
            *at = '?';
        }
    }
    table->cells = memory_grow(table->cells, &table->capacity, table->count + 1, sizeof *table->cells);
    table->cells[table->count++] = cell;
}

void table_row(struct table *table, ...) {
    va_list cells;
    size_t before = table->count;
    va_start(cells, table);
    for (const char *cell; (cell = va_arg(cells, const char *)) != NULL;) {
        add(table, cell);
    }
    va_end(cells);
    if (before == 0) {
        table->columns = table->count;
        assert(table->columns <= TABLE_COLUMNS_MAX);
    }
}

void table_cell(struct table *table, const char *format, ...) {
    char text[TABLE_CELL_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    add(table, text);
}

void table_print(struct table *table, FILE *file) {
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    assert(table->count % table->columns == 0);
    for (size_t i = 0; i < table->count; i++) {
        size_t size = strlen(table->cells[i]);
        size_t *width = &widths[i % table->columns];
        *width = size > *width ? size : *width;
    }
    for (size_t row = 0; row < table->count; row += table->columns) {
        size_t used = table->columns; /* No blanks before the end of a line. */
        while (used > 0 && table->cells[row + used - 1][0] == '\0') {
            used--;
        }
        for (size_t i = 0; i < table->columns; i++) {
            if (i < used) {
                fprintf(file, "%-*s", i + 1 == used ? 0 : (int)widths[i] + GAP, table->cells[row + i]);
            }
            free(table->cells[row + i]);
        }
        fputc('\n', file);
    }
    free(table->cells);
    *table = (struct table){.columns = 0};
}
