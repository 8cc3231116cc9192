import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { expect, test, vi } from 'vitest'
import { measure, samples } from './setup.ts'

test('has the metrics that collectDefaultMetrics of prom-client has, with the same types and texts', async () => {
  const theirs = new Registry()
  collectDefaultMetrics({ register: theirs })
  const { registry } = measure()
  const describe = (from: Registry) =>
    from
      .getMetricsAsArray()
      .filter(({ name }) => !name.startsWith('ipfs_kit_'))
      .map(({ name, help, type }) => ({ name, help, type }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  expect(describe(registry)).toEqual(describe(theirs))
})

test('shows the process as it is', async () => {
  const { telemetry } = measure()
  const valueOf = async (name: string) => Number((await samples(telemetry, name))[0]?.split(' ').at(-1))
  expect(await valueOf('process_resident_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(await valueOf('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0)
  expect(await samples(telemetry, 'nodejs_version_info')).toEqual([expect.stringContaining(process.version)])
})

test('shows the delays of the event loop since the last scrape', async () => {
  const { telemetry } = measure()
  await vi.waitFor(async () => {
    const [line] = await samples(telemetry, 'nodejs_eventloop_lag_p99_seconds')
    const delay = Number(line?.split(' ')[1])
    expect(delay).toBeGreaterThan(0)
    expect(delay).toBeLessThan(60)
  }, 60_000)
})

test('counts garbage collections', async () => {
  const { telemetry } = measure()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  await vi.waitFor(async () => {
    expect(await samples(telemetry, 'nodejs_gc_duration_seconds_count')).toContainEqual(
      expect.stringMatching(/kind="major"\} [1-9]/),
    )
  }, 60_000)
})
