import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { now, sleep } from '@ipfs-kit/concurrency'
import { forEachBackend } from '@ipfs-kit/concurrency/testing'
import type { BackendHealth, Wal } from '@ipfs-kit/wal'
import { describe, expect, test } from 'vitest'
import { errorOf, handler, openOps } from './wal-on.ts'

const onSim = forEachBackend(test, { seeds: 15, only: 'sim' })

function healthOf(wal: Wal, name = 's3'): BackendHealth {
  return wal.stats().backends.find(({ backend }) => backend === name)!
}

async function until(wal: Wal, state: string): Promise<void> {
  while (healthOf(wal).state !== state) await sleep(10)
}

const upload = { type: 'upload', params: {}, backend: 's3' } as const

describe('a backend', () => {
  onSim(
    'whose probe fails is offline, begins nothing, and is online again when a probe succeeds',
    async () => {
      let isUp = false
      const runs: number[] = []
      const probes: number[] = []
      const run = () => {
        runs.push(now())
        if (!isUp) throw new Error('connection refused')
      }
      const probe = async () => {
        probes.push(now())
        if (!isUp) throw Object.assign(new Error('no answer'), { code: 'ECONNREFUSED' })
        return 'answered in 3 ms'
      }
      const told: unknown[] = []
      const listener = (health: unknown) => void told.push((health as BackendHealth).state)
      subscribe('wal:backend', listener)
      try {
        await using wal = await openOps({
          types: { upload: handler(run, { maxAttempts: 50 }), pin: handler(() => 'fine') },
          backends: { s3: { limit: 2, probe } },
          retryBaseMs: 100,
          retryMaxMs: 200,
        })
        expect(healthOf(wal)).toMatchObject({ state: 'online', running: 0, limit: 2 })
        const all = await wal.appendMany(Array.from({ length: 10 }, () => upload))
        await until(wal, 'offline')
        expect(healthOf(wal)).toMatchObject({ evidence: 'ECONNREFUSED: no answer' })
        await sleep(2000)
        const { length } = runs
        await sleep(60_000)
        expect(runs.length).toBe(length)
        expect(healthOf(wal).nextProbeAt).toBeGreaterThan(0)
        // What it does not concern goes on.
        const other = await wal.append({ type: 'pin', params: {}, backend: 'ipfs' })
        expect(await wal.wait(other.operation.id)).toMatchObject({ state: 'completed' })
        const waits = probes.slice(1).map((at, nth) => at - probes[nth]!)
        expect(Math.max(...waits)).toBeLessThanOrEqual(60_100)
        isUp = true
        for (const { operation } of all) {
          expect(await wal.wait(operation.id)).toMatchObject({ state: 'completed' })
        }
        await until(wal, 'online')
        expect(told).toEqual(['degraded', 'offline', 'online'])
      } finally {
        unsubscribe('wal:backend', listener)
      }
    },
  )

  onSim('that answers its probe is degraded only, and online when an operation completes', async () => {
    let failures = 4
    const run = () => {
      failures -= 1
      if (failures >= 0) throw new Error('busy')
    }
    await using wal = await openOps({
      types: { upload: handler(run) },
      backends: { s3: { probe: async () => 'answered' } },
      retryBaseMs: 500,
    })
    const { operation } = await wal.append(upload)
    await until(wal, 'degraded')
    await wal.wait(operation.id)
    await until(wal, 'online')
    expect(healthOf(wal).evidence).toBe('an attempt has completed')
    expect(await wal.probe('s3')).toMatchObject({ state: 'online', evidence: 'answered' })
  })

  onSim('without a probe is tried by one operation at a time while it is offline', async () => {
    let isUp = false
    let running = 0
    let runs = 0
    let most = 0
    const run = async () => {
      runs += 1
      running += 1
      most = Math.max(most, running)
      try {
        await sleep(5)
        if (!isUp) throw new Error('down')
      } finally {
        running -= 1
      }
    }
    await using wal = await openOps({
      types: { upload: handler(run, { maxAttempts: 100 }) },
      backends: { s3: { limit: 4, offlineAfter: 5 } },
      retryBaseMs: 1,
      retryMaxMs: 10,
    })
    const all = await wal.appendMany(Array.from({ length: 12 }, () => upload))
    await until(wal, 'offline')
    while (running > 0) await sleep(1)
    most = 0
    const before = runs
    await sleep(120_000)
    expect(most).toBe(1)
    expect(runs - before).toBeGreaterThan(1)
    expect(runs - before).toBeLessThan(40)
    isUp = true
    for (const { operation } of all) await wal.wait(operation.id)
    await until(wal, 'online')
  })

  onSim('is not blamed for what another attempt would not change', async () => {
    const run = () => {
      throw Object.assign(new Error('no such file'), { kind: 'not-found' })
    }
    await using wal = await openOps({ types: { upload: handler(run) } })
    const all = await wal.appendMany(Array.from({ length: 20 }, () => upload))
    for (const { operation } of all) await wal.wait(operation.id)
    expect(healthOf(wal).state).toBe('online')
    expect(await errorOf(wal.probe('s3'))).toMatchObject({ code: 'WAL_NOT_FOUND' })
    expect(await errorOf(wal.probe('nobody'))).toMatchObject({ code: 'WAL_NOT_FOUND' })
  })

  onSim('whose probe hangs is offline after half a minute', async () => {
    await using wal = await openOps({
      types: {
        upload: handler(() => {
          throw new Error('down')
        }),
      },
      backends: {
        s3: {
          probe: async () => {
            await sleep(Infinity)
            return 'never'
          },
        },
      },
      retryBaseMs: 10,
    })
    await wal.append(upload)
    await until(wal, 'offline')
    expect(now()).toBeGreaterThan(30_000)
    expect(healthOf(wal).evidence).toContain('deadline')
  })
})
