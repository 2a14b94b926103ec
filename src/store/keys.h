/* keys.h - a cell as a number that sorts as the cell does, or for text and 16-byte kinds, as a hash: what field indexes hold. */
#ifndef SP_STORE_KEYS_H
#define SP_STORE_KEYS_H

#include "spate/store.h"
#include "base/base.h"

/* False: the cell is in no index (NaN). */
bool sp_key_of(const spate_value *v, uint64_t *key);

#endif
