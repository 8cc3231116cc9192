import { cancelScope, checkpoint, shield, sim, sleep, taskGroup, withBackend } from '@ipfs-kit/concurrency'
import { expect, test } from 'vitest'
import { measure, samples } from './setup.ts'

const prefix = 'ipfs_kit_concurrency'

/** The values of the metrics, by name and backend. */
async function figures(telemetry: ReturnType<typeof measure>['telemetry']): Promise<Record<string, number>> {
  const { body } = await telemetry.metrics()
  const lines = body.split('\n').filter((line) => line.startsWith(prefix))
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, backend, value] = /^ipfs_kit_concurrency_(\w+)\{backend="(\w+)"\} (\S+)$/.exec(line)!
      return [`${name} ${backend}`, Number(value)]
    }),
  )
}

test('shows the tasks and timers that are alive at the scrape', async () => {
  const { telemetry } = measure()
  const before = await figures(telemetry)
  expect(Object.keys(before).toSorted()).toEqual(
    [
      'tasks native',
      'tasks_spawned_total native',
      'cancellations_total native',
      'cancellation_seconds_total native',
      'cancellation_longest_seconds native',
      'refused_waits_total native',
      'timers native',
    ].toSorted(),
  )
  await taskGroup(async (group) => {
    for (let at = 0; at < 3; at++) group.spawn(() => sleep(60_000))
    await checkpoint()
    const during = await figures(telemetry)
    expect(during['tasks native']).toBe(before['tasks native']! + 3)
    expect(during['timers native']).toBe(before['timers native']! + 3)
    group.cancel()
  })
  const after = await figures(telemetry)
  expect(after['tasks native']).toBe(before['tasks native'])
  expect(after['timers native']).toBe(before['timers native'])
  expect(after['tasks_spawned_total native']).toBe(before['tasks_spawned_total native']! + 3)
  expect(after['cancellations_total native']).toBe(before['cancellations_total native']! + 1)
})

test('shows how long cancellations took, in seconds', async () => {
  const { telemetry } = measure()
  const before = await figures(telemetry)
  await cancelScope(async (scope) => {
    scope.cancel()
    await checkpoint().catch(() => undefined)
    await shield(() => sleep(5))
  })
  const after = await figures(telemetry)
  const took = after['cancellation_seconds_total native']! - before['cancellation_seconds_total native']!
  expect(took).toBeGreaterThanOrEqual(0.005)
  expect(after['cancellation_longest_seconds native']).toBeGreaterThanOrEqual(0.005)
  expect(after['refused_waits_total native']).toBe(before['refused_waits_total native']! + 1)
})

test('counters do not grow by being looked at', async () => {
  const { telemetry } = measure()
  await taskGroup((group) => void group.spawn(() => undefined))
  const name = `${prefix}_tasks_spawned_total`
  expect(await samples(telemetry, name)).toEqual(await samples(telemetry, name))
})

test('a simulated run has figures of its own', async () => {
  const { registry } = measure()
  // One by one: the metrics of the process read files, which a simulated run does not allow.
  const read = (name: string) => registry.getSingleMetricAsString(`${prefix}_${name}`)
  const [spawned, tasks] = await withBackend(
    async () => {
      await taskGroup((group) => {
        for (let at = 0; at < 4; at++) group.spawn(() => sleep(1))
      })
      return [await read('tasks_spawned_total'), await read('tasks')]
    },
    { backend: sim(1) },
  )
  expect(spawned).toContain(`${prefix}_tasks_spawned_total{backend="sim"} 4`)
  expect(tasks).toContain(`${prefix}_tasks{backend="sim"} 0`)
})
