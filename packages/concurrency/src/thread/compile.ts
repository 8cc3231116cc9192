/** A function that came as text. */

/** Makes a function of its source, in the strict mode of modules, by the function that is returned; nothing runs before. */
export function compile(source: string): () => unknown {
  // oxlint-disable-next-line no-implied-eval, no-new-func -- the source is that of a function of this program
  return new Function(`"use strict"; return (${source}\n)`) as () => unknown
}
