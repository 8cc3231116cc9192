import {
  cancelScope,
  checkpoint,
  createOwner,
  failAfter,
  failAt,
  moveOnAfter,
  moveOnAt,
  nativeBackend,
  run,
  shield,
  sim,
  sleep,
  sleepUntil,
  suspend,
  taskGroup,
  withBackend,
} from '@ipfs-kit/concurrency'
import { describe, expect, test } from 'vitest'

const body = () => undefined

describe('what is no function', () => {
  test.each([undefined, null, 5, 'fn', {}, Promise.resolve()])('is refused: %s', async (fn) => {
    const wrong = fn as never
    const type = fn === null ? 'null' : typeof fn
    const refused = new TypeError(`fn is not a function but ${type}`)
    for (const call of [
      () => taskGroup(wrong),
      () => cancelScope(wrong),
      () => shield(wrong),
      () => moveOnAfter(1, wrong),
      () => failAt(1, wrong),
      () => withBackend(wrong),
    ]) {
      await expect(call()).rejects.toThrow(refused)
    }
    await taskGroup((group) => {
      expect(() => group.spawn(wrong)).toThrow(refused)
      expect(() => group.start(wrong)).toThrow(refused)
    })
    await using owner = createOwner()
    expect(() => owner.spawn(wrong)).toThrow(refused)
    expect(() => suspend(wrong)).toThrow(`begin is not a function but ${type}`)
  })
})

describe('what is no time', () => {
  test.each([Number.NaN, -1, -0.001, -Infinity])('a duration of %s is refused', async (ms) => {
    const refused = new RangeError(`ms is ${ms}, not a duration in milliseconds`)
    await expect(moveOnAfter(ms, body)).rejects.toThrow(refused)
    await expect(failAfter(ms, body)).rejects.toThrow(refused)
    expect(() => sleep(ms)).toThrow(refused)
  })

  test('a time of NaN is refused', async () => {
    await expect(moveOnAt(Number.NaN, body)).rejects.toThrow(RangeError)
    await expect(failAt(Number.NaN, body)).rejects.toThrow(RangeError)
    await expect(cancelScope(body, { deadline: Number.NaN })).rejects.toThrow(
      new RangeError('deadline is NaN, not a time in milliseconds'),
    )
    await expect(taskGroup(body, { deadline: Number.NaN })).rejects.toThrow(RangeError)
    expect(() => sleepUntil(Number.NaN)).toThrow(RangeError)
  })

  test.each(['5', null, undefined, 5n, new Date()])(
    'a time that is no number is refused: %s',
    async (time) => {
      const wrong = time as never
      await expect(moveOnAfter(wrong, body)).rejects.toThrow(TypeError)
      await expect(failAt(wrong, body)).rejects.toThrow(TypeError)
      expect(() => sleep(wrong)).toThrow(TypeError)
      expect(() => sleepUntil(wrong)).toThrow(TypeError)
    },
  )
})

describe('options', () => {
  test('a key that is unknown is refused, with the nearest one', async () => {
    const wrong = { deadlin: 5 } as never
    await expect(taskGroup(body, wrong)).rejects.toThrow(
      new TypeError('unknown option "deadlin", did you mean "deadline"?'),
    )
    await expect(cancelScope(body, wrong)).rejects.toThrow(TypeError)
    await expect(moveOnAfter(5, body, { sheild: true } as never)).rejects.toThrow('did you mean "shield"?')
    await taskGroup((group) => {
      expect(() => group.spawn(body, { nam: 'x' } as never)).toThrow('did you mean "name"?')
      expect(() => group.start(body, { signl: 1 } as never)).toThrow('did you mean "signal"?')
    })
    expect(() => createOwner({ onErorr: body } as never)).toThrow('did you mean "onError"?')
    await expect(withBackend(body, { backnd: 1 } as never)).rejects.toThrow('did you mean "backend"?')
  })

  test('a deadline beside a duration, and a shield that is told whether to be one, are refused', async () => {
    const wrong = { deadline: 5 } as never
    for (const call of [moveOnAfter, moveOnAt, failAfter, failAt]) {
      await expect(call(1, body, wrong)).rejects.toThrow('unknown option "deadline"')
    }
    await expect(shield(body, { shield: false } as never)).rejects.toThrow('unknown option "shield"')
  })

  test.each([5, 'text', null])('that are no object are refused: %s', async (options) => {
    await expect(moveOnAfter(1, body, options as never)).rejects.toThrow(TypeError)
    await expect(shield(body, options as never)).rejects.toThrow(TypeError)
    await expect(taskGroup(body, options as never)).rejects.toThrow(TypeError)
    await expect(cancelScope(body, options as never)).rejects.toThrow(TypeError)
    expect(() => createOwner(options as never)).toThrow(TypeError)
  })

  test('a signal that is none is refused', async () => {
    const wrong = { signal: { aborted: false } } as never
    await expect(cancelScope(body, wrong)).rejects.toThrow(new TypeError('signal is not an AbortSignal'))
    await expect(taskGroup(body, wrong)).rejects.toThrow(TypeError)
    await expect(sleep(1, wrong)).rejects.toThrow(TypeError)
    await expect(checkpoint(wrong)).rejects.toThrow(TypeError)
  })

  test('a seed, a mode and a backend that are none are refused', async () => {
    for (const seed of [-1, 0.5, Number.NaN, Infinity]) expect(() => sim(seed)).toThrow(RangeError)
    expect(() => sim('1' as never)).toThrow(TypeError)
    expect(() => sim(1, { mode: 'random' as never })).toThrow(TypeError)
    expect(() => sim(1, { maxSteps: 0 })).toThrow(RangeError)
    await expect(withBackend(body, { backend: nativeBackend })).resolves.toBeUndefined()
  })
})

test('a reason that is neither text nor Error is refused, and cancels nothing', async () => {
  await cancelScope(async (scope) => {
    for (const reason of [5, null, {}, Symbol('s')]) {
      expect(() => scope.cancel(reason as never)).toThrow(TypeError)
    }
    expect(scope.cancelled).toBe(false)
    await taskGroup((group) => {
      const task = group.spawn(body)
      expect(() => task.cancel(5 as never)).toThrow(TypeError)
    })
  })
})

test('what is no promise cannot be run', () => {
  for (const value of [undefined, null, 5, body, {}]) {
    expect(() => run(value as never)).toThrow(new TypeError('promise is not a promise'))
  }
})

describe('a name that is no text', () => {
  test.each([0, null, {}, Symbol('name')])('is refused: %s', async (name) => {
    const options = { name: name as never }
    const refused = new TypeError(`name is not a text but ${name === null ? 'null' : typeof name}`)
    await expect(taskGroup(body, options)).rejects.toThrow(refused)
    await expect(cancelScope(body, options)).rejects.toThrow(refused)
    await expect(moveOnAfter(1, body, options)).rejects.toThrow(refused)
    await taskGroup((group) => expect(() => group.spawn(body, options)).toThrow(refused))
    expect(() => createOwner(options)).toThrow(refused)
  })
})
