/**
 * Tells what is new of a name from what was so the last time, so that a state which lasts is logged once and not at every
 * look. At first all is well (`undefined`). Only this process remembers: another says it once more.
 */
export function newsFilter(): IsNews {
  const last = new Map<string, string | undefined>();
  return (name, state) => {
    const isNew = last.get(name) !== state;
    last.set(name, state);
    return isNew;
  };
}

export type IsNews = (name: string, state: string | undefined) => boolean;
