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
  const wanted = include === undefined ? undefined : patternsOf(include, 'include')
  const unwanted = patternsOf(exclude, 'exclude')
  return (path) =>
    (wanted === undefined || wanted.some((one) => one.test(path))) && !unwanted.some((one) => one.test(path))
}

function patternsOf(globs: readonly string[], name: string): RegExp[] {
  const isList =
    Array.isArray(globs) &&
    globs.length <= maxGlobs &&
    globs.every((one) => typeof one === 'string' && one !== '' && one.length <= maxGlobLength)
  if (!isList) {
    throw new TypeError(`${name} is a list of at most ${maxGlobs} globs of 1 to ${maxGlobLength} characters`)
  }
  return globs.map(patternOf)
}

function patternOf(glob: string): RegExp {
  const tokens = glob.match(/(?<=^|\/)\*{2,}\/|\*{2,}|\*|\?|[^*?]+/gsu) ?? []
  const source = tokens.map((token) => {
    if (token.startsWith('**')) return token.endsWith('/') ? '(?:[^/]*/)*' : '.*'
    if (token === '*') return '[^/]*'
    if (token === '?') return '[^/]'
    return token.replace(/[\\^$.*+?()[\]{}|]/gu, '\\$&')
  })
  return new RegExp(`^${source.join('')}$`, 'su')
}
