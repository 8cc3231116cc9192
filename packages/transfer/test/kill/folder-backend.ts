/** A folder as a strict, small backend for tests across processes: keys are file names, encoded. */
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat as statFile } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  checkCondition,
  checkGet,
  checkKey,
  checkList,
  checkPut,
  compareKeys,
  cursorOf,
  keyOfCursor,
  probeByRoundTrip,
  takeIn,
  windowOf,
  type ObjectStat,
  type StorageBackend,
} from '@ipfs-kit/storage'

const supports = {
  write: true,
  delete: true,
  list: true,
  ranges: true,
  conditionalPut: true,
  conditionalReplace: true,
  keys: 'any',
} as const

export async function folderBackend(path: string, name: string): Promise<StorageBackend> {
  const [files, arriving] = [join(path, 'files'), join(path, 'arriving')]
  for (const folder of [files, arriving]) await mkdir(folder, { recursive: true })
  const fileOf = (key: string): string => {
    checkKey(key)
    return join(files, encodeURIComponent(key).replace(/^\./, '%2E'))
  }
  const statOf = async (key: string): Promise<ObjectStat | undefined> => {
    try {
      const { size, mtimeMs, ino } = await statFile(fileOf(key))
      return { key, size, version: `${ino}-${mtimeMs}`, modifiedMs: Math.floor(mtimeMs), sha256: undefined }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }
  const backend: StorageBackend = {
    name,
    failureDomain: 'test',
    supports,
    async put(key, body, options = {}) {
      const checked = checkPut(options, supports)
      checkCondition(key, checked, await statOf(key))
      const temporary = join(arriving, randomUUID())
      try {
        await using file = await open(temporary, 'wx')
        const signal = options.signal ?? new AbortController().signal
        await takeIn(body, signal, async (piece) => void (await file.write(piece)), checked.size)
        await file.sync()
        checkCondition(key, checked, await statOf(key))
        await rename(temporary, fileOf(key))
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
      return (await statOf(key))!
    },
    async get(key, options = {}) {
      const stat = await statOf(key)
      if (stat === undefined) return undefined
      const { from, to } = windowOf(checkGet(options), stat.size)
      const body =
        from === to
          ? (async function* () {})()
          : createReadStream(fileOf(key), { start: from, end: to - 1, signal: options.signal })
      return { ...stat, offset: from, length: to - from, body }
    },
    stat: (key) => statOf(key),
    delete: (key) => rm(fileOf(key), { force: true }),
    async list(options = {}) {
      const { prefix, limit } = checkList(options)
      const after = options.cursor === undefined ? undefined : keyOfCursor(options.cursor, prefix)
      const keys = (await readdir(files))
        .map(decodeURIComponent)
        .filter((key) => key.startsWith(prefix) && (after === undefined || compareKeys(key, after) > 0))
        .sort(compareKeys)
      const entries: ObjectStat[] = []
      for (const key of keys.slice(0, limit)) {
        const stat = await statOf(key)
        if (stat !== undefined) entries.push(stat)
      }
      return keys.length > limit ? { entries, cursor: cursorOf(keys[limit - 1]!) } : { entries }
    },
    probe: (options) => probeByRoundTrip(backend, options),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  return backend
}
