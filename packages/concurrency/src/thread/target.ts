/** What a thread is asked to run: a function by its source, or an export of a module. */
import { isAbsolute } from 'node:path'
import { pathToFileURL } from 'node:url'
import { checkOptions } from '../checks.ts'
import { compile } from './compile.ts'
import type { Target } from './messages.ts'

/** A function that a module exports. */
export interface ThreadModule {
  /** Where the module is: a URL (`new URL('./work.ts', import.meta.url)`), its text, or an absolute path. */
  readonly module: URL | string
  /** The name of the export. Default: `default`. */
  readonly name?: string | undefined
}

/** Sources that were checked. */
const sources = new WeakMap<object, string>()

/** Checks what is to be run, and makes it plain data. */
export function toTarget(target: unknown): Target {
  if (typeof target === 'function') {
    return { type: 'source', name: target.name === '' ? 'anonymous' : target.name, source: sourceOf(target) }
  }
  if (typeof target !== 'object' || target === null) {
    throw new TypeError(
      `a thread runs a function or { module, name }, not ${target === null ? 'null' : typeof target}`,
    )
  }
  checkOptions(target, ['module', 'name'])
  const { module, name = 'default' } = target as ThreadModule
  if (typeof name !== 'string') throw new TypeError(`the name of an export is text, not ${typeof name}`)
  return { type: 'module', name, module: hrefOf(module) }
}

function hrefOf(module: unknown): string {
  if (module instanceof URL) return module.href
  if (typeof module !== 'string') throw new TypeError(`module is a URL or a path, not ${typeof module}`)
  if (isAbsolute(module)) return pathToFileURL(module).href
  if (URL.canParse(module)) return module
  throw new TypeError(
    `a thread does not know what ${module} is relative to; give new URL(…, import.meta.url) or import.meta.resolve(…)`,
  )
}

/** The source of a function that can stand alone, as far as that can be told. */
function sourceOf(fn: object): string {
  const known = sources.get(fn)
  if (known !== undefined) return known
  const source = Function.prototype.toString.call(fn)
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) {
    throw new TypeError('a thread cannot run a native or bound function: it has no source')
  }
  const tag = (fn as { [Symbol.toStringTag]?: string })[Symbol.toStringTag]
  if (tag === 'GeneratorFunction' || tag === 'AsyncGeneratorFunction' || /^class\b/.test(source)) {
    throw new TypeError('a thread cannot run a generator or a class')
  }
  try {
    compile(source)
  } catch (error) {
    throw new TypeError(
      'a thread cannot run a method, an accessor, or what else has no source that stands alone',
      { cause: error },
    )
  }
  sources.set(fn, source)
  return source
}
