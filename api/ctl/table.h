/* A table for people: columns as wide as their widest cell. */
#ifndef RAFTCTL_TABLE_H
#define RAFTCTL_TABLE_H

#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 16, TABLE_CELL_MAX = 512 };

/* Zero-initialise to begin. */
struct table {
    char **cells; /* Owned, row after row. */
    size_t count, capacity;
    size_t columns;
};

/* One row; the first one is the heading and says how many columns there are. NULL ends it. */
void table_row(struct table *table, ...) __attribute__((sentinel));
/* The same with cells one by one. */
__attribute__((format(printf, 2, 3))) void table_cell(struct table *table, const char *format, ...);

/* Prints it and frees what it holds. Control characters become question marks. */
void table_print(struct table *table, FILE *file);

#endif
