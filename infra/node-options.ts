/**
 * For rooms whose memory is to be bounded whatever they go through: Lambda's own setting, 5 % of the function's memory, lets short-lived
 * objects wait in 88 MB twice over, and copies as many into where the old ones are. Where one of the two is set, Lambda sets neither.
 */
export const boundedHeap = "--max-semi-space-size=4 --max-old-space-size=1500";
