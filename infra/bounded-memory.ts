/**
 * For rooms whose memory is to be bounded whatever they go through, as variables of their environment.
 *
 * Lambda's own setting for Node, 5 % of the function's memory, lets short-lived objects wait in 88 MB twice over, and copies as many into
 * where the old ones are; where one of the two is set, Lambda sets neither. The less V8 may have for old ones, the less it lets them
 * grow before it collects. 1,000 MB are twice what a full batch and a slice of the largest tasks hold.
 *
 * From glibc's first size on, a block goes back to the system when it is freed (mallopt(3)). Unless it is set, the bound rises to
 * 32 MB with the blocks that were freed, and what was freed stays.
 */
export const boundedMemory = {
  NODE_OPTIONS: "--max-semi-space-size=4 --max-old-space-size=1000",
  MALLOC_MMAP_THRESHOLD_: "131072",
  MALLOC_TRIM_THRESHOLD_: "131072",
} as const;
