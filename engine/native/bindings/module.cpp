#include <nanobind/nanobind.h>

#include "topics.h"

NB_MODULE(_native, m) {
    framedex::bind_lookup(m);
    framedex::bind_select(m);
}
