// See `highwayhash.h`.

#include "highwayhash/highwayhash.h"
