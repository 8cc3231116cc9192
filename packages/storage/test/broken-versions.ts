/** Ways of being broken that have to do with versions. */
import { StorageError } from '@ipfs-kit/storage'
import type { Breakage } from './broken.ts'

export const versions: readonly Breakage[] = [
  {
    does: 'tells a version of its own in each call',
    noticedBy: 'stat, get and list tell the same of an object, and what they tell is true',
    breakIt: (good) => {
      let calls = 0
      return {
        async stat(key, options) {
          const stat = await good.stat(key, options)
          return stat && { ...stat, version: `${stat.version}-${(calls += 1)}` }
        },
      }
    },
  },
  {
    does: 'lists no version',
    noticedBy: 'stat, get and list tell the same of an object, and what they tell is true',
    breakIt: (good) => ({
      async list(options) {
        const page = await good.list(options)
        return { ...page, entries: page.entries.map((entry) => ({ ...entry, version: undefined })) }
      },
    }),
  },
  {
    does: 'tells the SHA-256 of other bytes',
    noticedBy: 'stat, get and list tell the same of an object, and what they tell is true',
    breakIt: (good) => {
      const sha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
      return {
        async stat(key, options) {
          const stat = await good.stat(key, options)
          return stat && { ...stat, sha256 }
        },
        async get(key, options) {
          const found = await good.get(key, options)
          return found && { ...found, sha256 }
        },
      }
    },
  },
  {
    does: 'answers a put with the time before it',
    noticedBy: 'what a put answers is what is told of its object from then on',
    breakIt: (good) => ({
      async put(key, body, options) {
        return { ...(await good.put(key, body, options)), modifiedMs: 1 }
      },
    }),
  },
  {
    does: 'takes the size for the version',
    noticedBy: 'values that differ have different versions, also of one size and one after the other',
    breakIt: (good) => ({
      async put(key, body, options) {
        const { ifVersion, ...rest } = options ?? {}
        const there = await good.stat(key)
        if (ifVersion !== undefined && ifVersion !== `${there?.size}`)
          throw new StorageError('STORAGE_CONFLICT', 'Another size')
        const stat = await good.put(key, body, rest)
        return { ...stat, version: `${stat.size}` }
      },
      async stat(key, options) {
        const stat = await good.stat(key, options)
        return stat && { ...stat, version: `${stat.size}` }
      },
      async get(key, options) {
        const found = await good.get(key, options)
        return found && { ...found, version: `${found.size}` }
      },
      async list(options) {
        const page = await good.list(options)
        return { ...page, entries: page.entries.map((entry) => ({ ...entry, version: `${entry.size}` })) }
      },
    }),
  },
  {
    does: 'takes ifVersion for a wish',
    noticedBy: 'put with ifVersion replaces that version, and refuses any other and none',
    breakIt: (good) => ({
      put(key, body, options) {
        if (options?.ifAbsent === true || options?.ifVersion === '') return good.put(key, body, options)
        const { ifVersion: _ignored, ...rest } = options ?? {}
        return good.put(key, body, rest)
      },
    }),
  },
  {
    does: 'makes an object where ifVersion finds none',
    noticedBy: 'put with ifVersion replaces that version, and refuses any other and none',
    breakIt: (good) => ({
      async put(key, body, options) {
        const isThere = key !== '' && (await good.stat(key)) !== undefined
        if (isThere || options?.ifAbsent === true) return good.put(key, body, options)
        const { ifVersion: _ignored, ...rest } = options ?? {}
        return good.put(key, body, rest)
      },
    }),
  },
  {
    does: 'looks for ifVersion only before the body has come',
    noticedBy: 'of two puts with ifVersion at once exactly one succeeds',
    breakIt: (good) => ({
      async put(key, body, options) {
        const { ifVersion, ...rest } = options ?? {}
        if (!ifVersion || rest.ifAbsent === true) return good.put(key, body, options)
        if ((await good.stat(key))?.version !== ifVersion)
          throw new StorageError('STORAGE_CONFLICT', 'Another version')
        return good.put(key, body, rest)
      },
    }),
  },
]
