/** Cases about versions, and what else is told of an object without reading it. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { ObjectStat } from '../backend.ts'
import { gated } from './bodies.ts'
import { assertCode, assertShows, collect, put } from './ground.ts'
import type { ConformanceCase, Ground } from './ground.ts'

/** Runs only where a version can be replaced; elsewhere asserts that it is refused. */
function conditional(run: (ground: Ground) => Promise<void>): (ground: Ground) => Promise<void> {
  return async (ground) => {
    const { backend } = ground
    const { write, conditionalReplace } = backend.supports
    if (write && conditionalReplace) return run(ground)
    const bytes = randomBytes(1000)
    const key = await ground.key('no-versions', bytes)
    await assertCode(backend.put(key, bytes, { ifVersion: 'any' }), 'STORAGE_NOT_SUPPORTED')
    if (write) await assertShows(ground, key, undefined)
  }
}

/** What every call that tells something of an object tells of it. */
async function allTold({ backend }: Ground, key: string): Promise<ObjectStat[]> {
  const stat = await backend.stat(key)
  const found = await backend.get(key)
  assert.ok(stat && found, `${key} is not there`)
  await collect(found.body)
  const { size, version, modifiedMs, sha256 } = found
  const told = [stat, { key: found.key, size, version, modifiedMs, sha256 }]
  if (!backend.supports.list) return told
  const { entries } = await backend.list({ prefix: key })
  const entry = entries.find((one) => one.key === key)
  // Where keys are CIDs an object may be listed by another one of its CIDs.
  return entry === undefined ? told : [...told, { ...entry, sha256: entry.sha256 ?? stat.sha256 }]
}

export const versionCases: readonly ConformanceCase[] = [
  {
    title: 'stat, get and list tell the same of an object, and what they tell is true',
    run: async (ground) => {
      const { supports } = ground.backend
      const { key, bytes } = await ground.object(70_000)
      const [first, ...others] = await allTold(ground, key)
      assert.ok(first)
      for (const other of others) assert.deepEqual({ ...other }, { ...first })
      const { version, modifiedMs, sha256 } = first
      if (supports.keys === 'cid') assert.equal(version, key, 'the version of a CID')
      else if (supports.conditionalReplace) assert.ok(version, 'an object has a version')
      else assert.ok(version === undefined || version !== '', 'a version is no empty text')
      assert.ok(modifiedMs === undefined || (modifiedMs > 0 && modifiedMs < 1e14), `put at ${modifiedMs}`)
      const expected = createHash('sha256').update(bytes).digest('hex')
      assert.ok(sha256 === undefined || sha256 === expected, 'the SHA-256 is that of the bytes')
    },
  },
  {
    title: 'what a put answers is what is told of its object from then on',
    run: async (ground) => {
      const { backend } = ground
      if (!backend.supports.write) {
        await assertCode(backend.put(await ground.absentKey(), randomBytes(3)), 'STORAGE_NOT_SUPPORTED')
        return
      }
      const bytes = randomBytes(5000)
      const key = await ground.key('told', bytes)
      const answer = await backend.put(key, bytes)
      assert.deepEqual({ ...(await backend.stat(key)) }, { ...answer })
    },
  },
  {
    title: 'values that differ have different versions, also of one size and one after the other',
    run: conditional(async (ground) => {
      const key = await put(ground, 'versions', randomBytes(100))
      const versions = new Set([(await ground.backend.stat(key))?.version])
      for (let round = 1; round < 20; round += 1) {
        versions.add((await ground.backend.put(key, randomBytes(100))).version)
        assert.equal(versions.size, round + 1, 'a version comes again')
      }
    }),
  },
  {
    title: 'put with ifVersion replaces that version, and refuses any other and none',
    run: conditional(async (ground) => {
      const { backend } = ground
      const former = randomBytes(1000)
      const key = await put(ground, 'if-version', former)
      const { version } = (await backend.stat(key))!
      const bytes = randomBytes(500)
      const { version: next } = await backend.put(key, bytes, { ifVersion: version! })
      await assertShows(ground, key, bytes)
      await assertCode(backend.put(key, former, { ifVersion: version! }), 'STORAGE_CONFLICT')
      await assertCode(backend.put(key, former, { ifVersion: `${next}x` }), 'STORAGE_CONFLICT')
      await assert.rejects(backend.put(key, former, { ifVersion: next!, ifAbsent: true }), TypeError)
      await assert.rejects(backend.put(key, former, { ifVersion: '' }), TypeError)
      await assertShows(ground, key, bytes)
      const absent = await ground.absentKey()
      await assertCode(backend.put(absent, former, { ifVersion: next! }), 'STORAGE_CONFLICT')
      await assertShows(ground, absent, undefined)
      if (!backend.supports.delete) return
      await backend.delete(key)
      await assertCode(backend.put(key, former, { ifVersion: next! }), 'STORAGE_CONFLICT')
      await assertShows(ground, key, undefined)
    }),
  },
  {
    title: 'of two puts with ifVersion at once exactly one succeeds',
    run: conditional(async (ground) => {
      const { backend } = ground
      const key = await put(ground, 'version-race', randomBytes(1000))
      const { version } = (await backend.stat(key))!
      const bytes = [randomBytes(10_000), randomBytes(10_000)]
      const bodies = bytes.map(gated)
      const puts = bodies.map(({ body }) => backend.put(key, body, { ifVersion: version! }))
      const outcomes = Promise.allSettled(puts)
      await ground.settles(Promise.all(bodies.map(({ reached }) => reached)), 'the puts began')
      for (const { open } of bodies) open()
      const winners = (await outcomes).flatMap(({ status }, at) => (status === 'fulfilled' ? [at] : []))
      assert.equal(winners.length, 1, 'the number of puts that succeeded')
      await assertCode(puts[1 - winners[0]!]!, 'STORAGE_CONFLICT')
      await assertShows(ground, key, bytes[winners[0]!])
    }),
  },
]
