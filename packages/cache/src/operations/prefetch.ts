/** `cache.prefetch`: reads a value, and what it links to, so that the nearest tiers have it. */
import { operation } from '@ipfs-kit/operations'
import { z } from 'zod'
import { count, key } from './fields.ts'
import type { CacheSlice } from './part.ts'
import { noValue } from './tiers.ts'

/** Keys of one walk at most: what was visited lies in memory. */
const maxKeys = 1_000_000
const maxFailures = 16

const failure = z.object({ key: z.string(), code: z.string(), message: z.string() })

const report = z.object({
  values: count.describe('Values that were read'),
  bytes: count,
  missing: count.describe('Linked values that no tier has'),
  failed: count.describe('Linked values that could not be read'),
  failures: z.array(failure).describe(`The first ${maxFailures} of them`),
  isComplete: z.boolean().describe('Whether everything below was read: no limit was met, and nothing lacks'),
})

/** Brings a DAG near. */
export const cachePrefetch = operation<CacheSlice<'getMany', 'linksOf'>>()({
  name: 'cache.prefetch',
  summary: 'Read a value and all that it links to, so that later reads find it near',
  parts: ['cache'],
  input: z.object({
    key,
    depth: z
      .int()
      .min(0)
      .max(1_000_000)
      .default(1_000_000)
      .describe('links to follow from it; 0 is it alone'),
    maxBytes: z.int().min(1).default(67_108_864).describe('bytes after which no more is read'),
  }),
  output: report,
  body: 'none',
  returns: 'value',
  effect: 'write',
  scope: 'content:read',
  idempotent: true,
  doors: ['cli'],
  text: ({ values, bytes, missing, failed, isComplete }) =>
    `read ${values} values (${bytes} bytes), ${missing} missing, ${failed} failed${isComplete ? '' : '; there is more'}`,
  run: ({ cache }, input, { signal, progress }) =>
    readBelow(cache, input, signal, (bytes, items) => progress({ stage: 'reading', bytes, items })),
})

/** Level by level, each key once, in the order of the links. */
async function readBelow(
  { store, linksOf }: CacheSlice<'getMany', 'linksOf'>['cache'],
  input: { readonly key: string; readonly depth: number; readonly maxBytes: number },
  signal: AbortSignal,
  onProgress: (bytes: number, values: number) => void,
): Promise<z.output<typeof report>> {
  const visited = new Set([input.key])
  const failures: z.output<typeof failure>[] = []
  let [values, bytes, missing, failed] = [0, 0, 0, 0]
  let isCut = false
  let level: readonly string[] = [input.key]
  for (let depth = 0; level.length > 0 && !isCut; depth += 1) {
    const next: string[] = []
    for await (const item of store.getMany(level, { signal, promote: true })) {
      if (bytes >= input.maxBytes) {
        isCut = true
        break
      }
      if ('error' in item) {
        if (item.key === input.key) throw item.error
        failed += 1
        if (failures.length < maxFailures) failures.push({ key: item.key, ...told(item.error) })
        continue
      }
      if (item.value === undefined) {
        if (item.key === input.key) throw noValue(input.key)
        missing += 1
        continue
      }
      values += 1
      bytes += item.value.byteLength
      onProgress(bytes, values)
      if (depth < input.depth) isCut ||= !follow(linksOf?.(item.key, item.value) ?? [], visited, next)
    }
    level = next
  }
  const isComplete = !isCut && missing === 0 && failed === 0
  return { values, bytes, missing, failed, failures, isComplete }
}

/** Notes links that were not met before. False if there are too many. */
function follow(links: readonly string[], visited: Set<string>, next: string[]): boolean {
  for (const link of links) {
    if (visited.has(link)) continue
    if (visited.size >= maxKeys) return false
    visited.add(link)
    next.push(link)
  }
  return true
}

function told(error: unknown): { readonly code: string; readonly message: string } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'OPERATION_INTERNAL'
  return { code, message: error instanceof Error ? error.message : String(error) }
}
