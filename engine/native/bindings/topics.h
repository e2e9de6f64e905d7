// One function per file of bindings.
#pragma once

#include <nanobind/nanobind.h>

namespace framedex {

void bind_lookup(nanobind::module_& m);
void bind_select(nanobind::module_& m);

}  // namespace framedex
