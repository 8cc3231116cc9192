import { Gauge, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { measure, samples } from './setup.ts'

test('shows the numbers of a snapshot as they are at the scrape', async () => {
  const { telemetry } = measure()
  const stats = { openLeases: 1, bytes: 5n, name: 'store', ratio: 0.5, closed: false, HTTPCalls2: 7 }
  telemetry.observe('block_store', () => stats)
  stats.openLeases = 3
  const { body } = await telemetry.metrics()
  const lines = body.split('\n').filter((line) => line.startsWith('ipfs_kit_block_store_'))
  expect(lines).toEqual([
    'ipfs_kit_block_store_open_leases 3',
    'ipfs_kit_block_store_bytes 5',
    'ipfs_kit_block_store_ratio 0.5',
    'ipfs_kit_block_store_httpcalls2 7',
  ])
  expect(body).toContain('# HELP ipfs_kit_block_store_open_leases openLeases of block_store.')
})

test('takes the snapshot once at each scrape', async () => {
  const { telemetry } = measure()
  let taken = 0
  telemetry.observe('store', () => ({ a: ++taken, b: taken }))
  expect(taken).toBe(1)
  for (const scrape of [2, 3]) {
    expect(await samples(telemetry, 'ipfs_kit_store_a')).toEqual([`ipfs_kit_store_a ${scrape}`])
    expect(taken).toBe(scrape)
  }
  await telemetry.metrics()
  expect(await samples(telemetry, 'ipfs_kit_store_b')).toEqual(['ipfs_kit_store_b 5'])
})

test('a snapshot that throws is left out and counted, and the rest is shown', async () => {
  const { telemetry } = measure()
  let fails = false
  telemetry.observe('part', () => {
    if (fails) throw new Error('restarting, with the token hunter2')
    return { calls: 4 }
  })
  telemetry.observe('rest', () => ({ calls: 5 }))
  fails = true
  // Scrapes are counted: this one, and the one that looks at the counter.
  const { body } = await telemetry.metrics()
  expect(body).not.toContain('hunter2')
  expect(body).toContain('ipfs_kit_rest_calls 5')
  expect(body).not.toMatch(/^ipfs_kit_part_calls /m)
  expect(await samples(telemetry, 'ipfs_kit_observe_failures_total')).toEqual([
    'ipfs_kit_observe_failures_total{name="part"} 2',
  ])
  fails = false
  expect(await samples(telemetry, 'ipfs_kit_part_calls')).toEqual(['ipfs_kit_part_calls 4'])
})

test('a number that is missing or none any more is left out', async () => {
  const { telemetry } = measure()
  let stats: Record<string, unknown> = { a: 1, b: 2 }
  telemetry.observe('store', () => stats)
  stats = { a: Number.NaN, c: 3 }
  expect(await samples(telemetry, 'ipfs_kit_store_a')).toEqual([])
  expect(await samples(telemetry, 'ipfs_kit_store_b')).toEqual([])
  expect(await samples(telemetry, 'ipfs_kit_store_c')).toEqual([])
  stats = { a: 4, b: 5 }
  expect(await samples(telemetry, 'ipfs_kit_store_b')).toEqual(['ipfs_kit_store_b 5'])
})

test('refuses what cannot be shown, and then shows nothing of it', async () => {
  const { telemetry, registry } = measure()
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, index]))
  expect(() => telemetry.observe('Store', () => ({ a: 1 }))).toThrow(TypeError)
  expect(() => telemetry.observe('a-b', () => ({ a: 1 }))).toThrow(TypeError)
  expect(() => telemetry.observe('', () => ({ a: 1 }))).toThrow(TypeError)
  expect(() => telemetry.observe('store', () => ({}))).toThrow('that of store has 0')
  expect(() => telemetry.observe('store', () => Promise.resolve({ a: 1 }))).toThrow('that of store has 0')
  expect(() => telemetry.observe('store', () => many)).toThrow('that of store has 65')
  expect(() => telemetry.observe('store', () => ({ a: 1, 'b c': 2 }))).toThrow('"b c" of store')
  expect(() => telemetry.observe('store', () => ({ aB: 1, a_b: 2 }))).toThrow(/already/)
  expect(() =>
    telemetry.observe('store', () => {
      throw new Error('not open')
    }),
  ).toThrow('not open')
  expect((await telemetry.metrics()).body).not.toContain('ipfs_kit_store_')
  telemetry.observe('store', () => ({ a: 1, b: 2 }))
  expect(() => telemetry.observe('store', () => ({ c: 1, b: 2 }))).toThrow(
    'has a metric ipfs_kit_store_b already',
  )
  expect(registry.getSingleMetric('ipfs_kit_store_c')).toBeUndefined()
})

test('stands beside the metrics of others', async () => {
  const registry = new Registry()
  new Gauge({ name: 'mine', help: 'Mine.', registers: [registry] }).set(8)
  const { telemetry } = measure({ registry })
  expect(await samples(telemetry, 'mine')).toEqual(['mine 8'])
  await telemetry.close()
  expect(await samples(telemetry, 'mine')).toEqual(['mine 8'])
})
