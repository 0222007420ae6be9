#ifndef CHiredis_SHIM_H
#define CHiredis_SHIM_H

// The reader of replies, and no more of the library: sockets and TLS are ours, because the ones of
// hiredis 0.14 wait without end and know no TLS. <hiredis/read.h> is the same in 0.14 and 1.2 as far
// as it is used; hiredis.h has the reply objects.
#include <hiredis/hiredis.h>

#include <stddef.h>

/// Most elements of an array in a reply. The library would allocate room for as many as it is told of.
enum { chiredis_maximum_elements = 1024 };

// In functions: Swift does not emit the variables of a header.
static inline redisReplyObjectFunctions *chiredis_functions(void) {
    static redisReplyObjectFunctions functions;
    return &functions;
}

static inline redisReplyObjectFunctions *chiredis_standard(void) {
    static redisReplyObjectFunctions functions;
    return &functions;
}

#if HIREDIS_MAJOR == 0
typedef int chiredis_count;
#else
typedef size_t chiredis_count;
#endif

static inline void *chiredis_array(const redisReadTask *task, chiredis_count elements) {
    return elements > chiredis_maximum_elements ? NULL : chiredis_standard()->createArray(task, elements);
}

/// A reader whose arrays are limited; NULL when there is no memory.
static inline redisReader *chiredis_reader(void) {
    redisReader *reader = redisReaderCreate();
    if (reader == NULL) return NULL;
    *chiredis_standard() = *reader->fn;
    *chiredis_functions() = *reader->fn;
    chiredis_functions()->createArray = chiredis_array;
    reader->fn = chiredis_functions();
    return reader;
}

/// What a reader has not looked at yet, bytes: redisReader's fields are public.
static inline size_t chiredis_waiting(const redisReader *reader) { return reader->len - reader->pos; }

#endif
