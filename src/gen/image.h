/* image.h - private to gen: cells that are pictures. */
#ifndef SP_GEN_IMAGE_H
#define SP_GEN_IMAGE_H

#include "gen/cell.h"

typedef enum sp_image { SP_IMAGE_JPEG, SP_IMAGE_PNG } sp_image;
/* NULL: no memory. */
sp_cell *sp_image_cell(sp_arena *arena, uint64_t key, sp_image image);

#endif
