import {
  createOwner,
  moveOnAfter,
  sim,
  sleep,
  taskGroup,
  withBackend,
  type Owner,
} from '@ipfs-kit/concurrency'
import { describe, expect, test } from 'vitest'

describe('what is around a simulated run', () => {
  const endless = async (): Promise<void> => {
    for (;;) await sleep(1)
  }

  test('ends it when it is cancelled', async () => {
    const signal = AbortSignal.abort(new Error('stop'))
    await expect(taskGroup(() => withBackend(endless, { backend: sim(1) }), { signal })).rejects.toThrow(
      'stop',
    )
    const cut = moveOnAfter(5, () => withBackend(endless, { backend: sim(1) }))
    expect(await cut).toBeUndefined()
  })

  test('cannot be another one', async () => {
    const nested = () => withBackend(() => withBackend(() => 1, { backend: sim(2) }), { backend: sim(1) })
    await expect(nested()).rejects.toMatchObject({ code: 'CONCURRENCY_SIM_FOREIGN' })
  })

  test('does not wait for ever for what was made in it', async () => {
    const owner = await withBackend(() => createOwner(), { backend: sim(1) }).catch((error: unknown) => error)
    expect(owner).toMatchObject({ code: 'CONCURRENCY_SIM_LEAK' })
    let kept: Owner | undefined
    await withBackend(() => void (kept = createOwner()), { backend: sim(1) }).catch(() => undefined)
    expect(() => kept!.spawn(() => undefined)).toThrow('which is closed')
  })

  test('is named when it is waited for', async () => {
    const outside = createOwner({ name: 'cache' })
    const load = async () => await outside.spawn(() => sleep(Infinity), { name: 'load' })
    const stuck = () => withBackend(load, { backend: sim(1) })
    await expect(stuck()).rejects.toThrow('load of the native backend')
    await outside.close()
  })
})

test('refuses what is no backend', async () => {
  for (const wrong of ['sim', {}, { name: 'sim', seed: 1 }, null]) {
    await expect(withBackend(() => 1, { backend: wrong as never })).rejects.toThrow(TypeError)
  }
})

test('a trace that throws ends the run with what it threw', async () => {
  const failure = new Error('disk full')
  const trace = (): never => {
    throw failure
  }
  await expect(withBackend(() => sleep(1), { backend: sim(1, { trace }) })).rejects.toBe(failure)
})
