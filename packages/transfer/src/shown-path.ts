/** Paths in messages. */

/** A path as messages name it; that of an end which is one object is empty. */
export function shownPath(path: string): string {
  return path === '' ? 'the object' : JSON.stringify(path)
}
