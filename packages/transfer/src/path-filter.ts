/** Which paths a transfer is about: globs. */

/** Options that choose paths. */
export interface PathChoice {
  /** Globs, of which a path has to match one. Default: every path. */
  readonly include?: readonly string[]
  /** Globs, none of which a path may match. Default: none. */
  readonly exclude?: readonly string[]
}

/** Globs of each kind at most, and characters in one. */
const maxGlobs = 1000
const maxGlobLength = 1024

/**
 * Makes a filter of paths. In a glob `*` is any text without a slash, `?` one character that is no slash, and `**` any text;
 * `**` before a slash, as a part of its own, is any number of parts, also none. All else stands for itself, and the whole path has
 * to match.
 *
 * @throws TypeError for what is no list of globs
 */
export function pathFilter({ include, exclude = [] }: PathChoice): (path: string) => boolean {
  const wanted = include === undefined ? undefined : globsOf(include, 'include')
  const unwanted = globsOf(exclude, 'exclude')
  return (path) =>
    (wanted === undefined || wanted.some((one) => one.test(path))) && !unwanted.some((one) => one.test(path))
}

function globsOf(globs: readonly string[], name: string): Glob[] {
  const isList =
    Array.isArray(globs) &&
    globs.length <= maxGlobs &&
    globs.every((one) => typeof one === 'string' && one !== '' && one.length <= maxGlobLength)
  if (!isList) {
    throw new TypeError(`${name} is a list of at most ${maxGlobs} globs of 1 to ${maxGlobLength} characters`)
  }
  return globs.map((glob) => new Glob(glob))
}

/** A part of a glob: text that stands for itself, character by character, or one of the signs. */
type Sign = '?' | '*' | '**' | '**/'
type Token = { readonly sign: Sign } | { readonly character: string }

/**
 * Whether a path matches a glob. All ways to match are followed side by side, so that the time is that of the lengths multiplied,
 * whatever the glob is: a regular expression would try them one after the other.
 */
class Glob {
  readonly #tokens: readonly Token[]

  constructor(glob: string) {
    const parts = glob.match(/(?<=^|\/)\*{2,}\/|\*{2,}|\*|[^*]/gsu) ?? []
    this.#tokens = parts.map((part) => {
      if (part === '*' || part === '?') return { sign: part }
      if (part.startsWith('**')) return { sign: part.endsWith('/') ? '**/' : '**' }
      return { character: part }
    })
  }

  test(path: string): boolean {
    let at = this.#reached(new Set([0]), true)
    for (const character of path) {
      const next = new Set<number>()
      for (const index of at) {
        const token = this.#tokens[index]
        if (token === undefined) continue
        if (takes(token, character)) next.add('character' in token || token.sign === '?' ? index + 1 : index)
      }
      at = this.#reached(next, character === '/')
      if (at.size === 0) return false
    }
    return at.has(this.#tokens.length)
  }

  /** The places with those that follow without a character: folders may be left behind only where one has ended. */
  #reached(places: Set<number>, isBegin: boolean): Set<number> {
    for (const index of places) {
      const token = this.#tokens[index]
      if (token === undefined || !('sign' in token) || token.sign === '?') continue
      if (token.sign !== '**/' || isBegin) places.add(index + 1)
    }
    return places
  }
}

function takes(token: Token, character: string): boolean {
  if ('character' in token) return token.character === character
  return character !== '/' || token.sign === '**' || token.sign === '**/'
}
