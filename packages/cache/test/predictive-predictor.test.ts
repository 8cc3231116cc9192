import { createPredictor, type Prediction } from '@ipfs-kit/cache/predictive'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PlainSuccessors } from './reference/plain-successors.ts'

function keysOf(predictions: readonly Prediction[]): string[] {
  return predictions.map(({ key }) => key)
}

/** The links of each key of a tree in which all leaves are equally deep. */
function tree(widths: readonly number[]): Map<string, string[]> {
  const links = new Map<string, string[]>()
  const grow = (key: string, depth: number): void => {
    const count = widths[depth] ?? 0
    const below = Array.from({ length: count }, (_, at) => `${key}/${at}`)
    links.set(key, below)
    for (const one of below) grow(one, depth + 1)
  }
  grow('r', 0)
  return links
}

/** Keys in reading order. */
function preorder(links: ReadonlyMap<string, readonly string[]>, root: string): string[] {
  return [root, ...(links.get(root) ?? []).flatMap((key) => preorder(links, key))]
}

describe('links', () => {
  test('of the node just read are expected in their order', () => {
    const stream = createPredictor().stream()
    stream.observe('root', { links: ['a', 'b', 'c'] })
    expect(stream.predict(2)).toEqual([
      { key: 'a', source: 'links', confidence: 2 },
      { key: 'b', source: 'links', confidence: 2 },
    ])
    stream.observe('a', { links: ['a1', 'a2'] })
    expect(keysOf(stream.predict(9))).toEqual(['a1', 'a2', 'b'])
    stream.expand('b', ['b1'])
    expect(keysOf(stream.predict(9))).toEqual(['a1', 'a2', 'b', 'b1', 'c'])
    stream.expand('c', [])
    expect(keysOf(stream.predict(9))).toEqual(['a1', 'a2', 'b', 'b1', 'c'])
  })

  test('of any tree are expected in the order of a walk, from each step of it, whatever is known ahead', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(200), { maxLength: 60 }),
        (widths, limit, ahead) => {
          const links = tree(widths)
          const order = preorder(links, 'r')
          const stream = createPredictor().stream()
          for (const [at, key] of order.entries()) {
            stream.observe(key, { links: links.get(key)! })
            const other = order[at + 1 + (ahead[at % (ahead.length || 1)] ?? 0)]
            if (other !== undefined) stream.expand(other, links.get(other)!)
            const predicted = keysOf(stream.predict(limit))
            expect(predicted.length).toBeLessThanOrEqual(limit)
            // Before anything below a node was seen, what it links to may be leaves: siblings come in order too.
            const rest = order.slice(at + 1)
            const places = predicted.map((one) => rest.indexOf(one))
            expect(places).toEqual(places.toSorted((a, b) => a - b))
            expect(places).not.toContain(-1)
            if (rest.length > 0) expect(predicted[0]).toBe(rest[0])
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('of a tree that is known whole are the whole walk', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (widths, seed) => {
          const links = tree(widths)
          const order = preorder(links, 'r')
          const stream = createPredictor().stream()
          for (const key of order) stream.expand(key, links.get(key)!)
          const upTo = 1 + (seed % order.length)
          for (const key of order.slice(0, upTo)) stream.observe(key)
          expect(keysOf(stream.predict(2000))).toEqual(order.slice(upTo))
        },
      ),
      { numRuns: 200 },
    )
  })

  test('are not expected any more by a reader that jumps about, and again after two in order', () => {
    const links = Array.from({ length: 100 }, (_, at) => `leaf ${at}`)
    const stream = createPredictor().stream()
    stream.observe('root', { links })
    for (const at of [50, 7, 80]) stream.observe(`leaf ${at}`)
    expect(stream.predict(5)).toEqual([])
    stream.observe('leaf 81')
    stream.observe('leaf 82')
    expect(keysOf(stream.predict(2))).toEqual(['leaf 83', 'leaf 84'])
  })

  test('of one node are followed with a stride', () => {
    const links = Array.from({ length: 20 }, (_, at) => `leaf ${at}`)
    const stream = createPredictor().stream()
    stream.observe('root', { links })
    for (const at of [2, 5, 8]) stream.observe(`leaf ${at}`)
    expect(stream.predict(9)).toEqual(
      [11, 14, 17].map((at) => ({ key: `leaf ${at}`, source: 'run', confidence: 2 })),
    )
    stream.observe('leaf 11')
    expect(stream.predict(1)[0]!.confidence).toBe(3)
    const back = createPredictor().stream()
    back.observe('root', { links })
    for (const at of [19, 18, 17]) back.observe(`leaf ${at}`)
    expect(keysOf(back.predict(3))).toEqual(['leaf 16', 'leaf 15', 'leaf 14'])
  })

  test('read again and again are no stride, and expected once', () => {
    const stream = createPredictor().stream()
    stream.observe('root', { links: ['a', 'b', 'a', 'b', 'a', 'b', 'c'] })
    for (let at = 0; at < 5; at += 1) stream.observe('b')
    const predicted = keysOf(stream.predict(20))
    expect(new Set(predicted).size).toBe(predicted.length)
    expect(predicted).not.toContain('b')
  })

  test('that name themselves or each other end', () => {
    const stream = createPredictor().stream()
    stream.observe('a', { links: ['a', 'b', 'a'] })
    stream.expand('b', ['a', 'b', 'c'])
    stream.expand('c', ['b', 'c', 'a'])
    expect(keysOf(stream.predict(100))).toEqual(['b', 'c'])
    for (let at = 0; at < 1000; at += 1) stream.observe('a', { links: ['a', 'b'] })
    expect(stream.predict(1000).length).toBeLessThanOrEqual(3)
  })

  test('that are very many are looked through no further than what is asked for', () => {
    const stream = createPredictor().stream()
    stream.observe('root', { links: Array.from({ length: 100_000 }, (_, at) => `leaf ${at}`) })
    expect(stream.predict(3)).toHaveLength(3)
    stream.observe('leaf 0')
    stream.observe('leaf 99999')
    expect(stream.predict(10).length).toBeLessThanOrEqual(10)
  })
})

describe('a run', () => {
  const keyAt = (position: number): string | undefined => (position < 1000 ? `chunk ${position}` : undefined)

  test('of three positions goes on', () => {
    fc.assert(
      fc.property(
        fc.nat(500),
        fc.integer({ min: -20, max: 20 }),
        fc.integer({ min: 1, max: 9 }),
        (from, stride, limit) => {
          fc.pre(stride !== 0 && from + 2 * stride >= 0)
          const stream = createPredictor().stream({ keyAt })
          for (const step of [0, 1, 2]) {
            expect(stream.predict(limit)).toEqual([])
            const position = from + step * stride
            stream.observe(`chunk ${position}`, { position })
          }
          const expected = Array.from({ length: limit }, (_, at) => from + (3 + at) * stride)
            .filter((position) => position >= 0 && position < 1000)
            .map((position) => ({ key: `chunk ${position}`, source: 'run', confidence: 2 }))
          expect(stream.predict(limit)).toEqual(expected)
        },
      ),
    )
  })

  test('ends where there is no key, and with a step that is another', () => {
    const stream = createPredictor().stream({ keyAt })
    for (const position of [996, 997, 998]) stream.observe(`chunk ${position}`, { position })
    expect(keysOf(stream.predict(8))).toEqual(['chunk 999'])
    stream.observe('chunk 3', { position: 3 })
    expect(stream.predict(8)).toEqual([])
  })
})

describe('the successor table', () => {
  test('is that of a plain map, read for read', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { maxLength: 200 }), (reads) => {
        const plain = new PlainSuccessors()
        const predictor = createPredictor({ maxKeys: 65_536 })
        const stream = predictor.stream()
        let last: string | undefined
        // A loop of others first, so that the class lets guesses of little confidence through.
        const loop = Array.from({ length: 100 }, (_, at) => 100 + (at % 5))
        for (const read of [...loop, ...reads]) {
          const key = `key ${read}`
          stream.observe(key)
          if (last !== undefined && last !== key) plain.learn(last, key)
          last = key
          const { successor } = predictor.classify().on
          const expected = plain.find(key)
          const isGiven = expected !== undefined && expected.confidence >= (successor ? 1 : 3)
          const { key: next, confidence } = expected ?? {}
          expect(stream.predict(9)).toEqual(isGiven ? [{ key: next, source: 'successor', confidence }] : [])
        }
      }),
      { numRuns: 500 },
    )
  })

  test('takes no note of what was nearby, and asks nothing after it', () => {
    const stream = createPredictor().stream()
    for (let round = 0; round < 4; round += 1) for (const key of ['a', 'b']) stream.observe(key)
    stream.observe('a', { isCached: true })
    expect(stream.predict(1)).toEqual([])
    stream.observe('a')
    expect(keysOf(stream.predict(1))).toEqual(['b'])
  })

  test('is shared by streams, each with its own order', () => {
    const predictor = createPredictor()
    const one = predictor.stream()
    const other = predictor.stream()
    for (let round = 0; round < 4; round += 1) {
      for (const at of [1, 2]) {
        one.observe(`a${at}`)
        other.observe(`b${at}`)
      }
    }
    one.observe('a1')
    other.observe('b1')
    expect([keysOf(one.predict(1)), keysOf(other.predict(1))]).toEqual([['a2'], ['b2']])
    const third = predictor.stream()
    third.observe('a1')
    expect(keysOf(third.predict(1))).toEqual(['a2'])
  })

  test('remembers no key that is too long, so that keys do not decide on its memory', () => {
    const predictor = createPredictor()
    const stream = predictor.stream()
    const long = 'x'.repeat(1025)
    for (let round = 0; round < 4; round += 1)
      for (const key of ['before', long, 'after']) stream.observe(key)
    stream.observe('before')
    expect(stream.predict(4)).toEqual([])
    // What comes after it is one like any other.
    stream.observe(long)
    expect(stream.predict(4)).toMatchObject([{ key: 'after' }])
    expect(predictor.stats().successors).toBe(2)
  })

  test('stays as large as it may be over a million reads, and keeps what comes back', () => {
    const predictor = createPredictor({ maxKeys: 1000 })
    const stream = predictor.stream()
    for (let at = 0; at < 1_000_000; at += 1) {
      // A pair that comes back between reads that never do.
      stream.observe(at % 50 === 0 ? 'often' : at % 50 === 1 ? 'then' : `once ${at}`)
      if (at % 1000 === 0) expect(predictor.stats().successors).toBeLessThanOrEqual(1000)
    }
    stream.observe('often')
    expect(predictor.stats()).toMatchObject({ observed: 1_000_001, maxKeys: 1000, successors: 1000 })
    expect(stream.predict(1)).toEqual([{ key: 'then', source: 'successor', confidence: 3 }])
  })
})

test('links are trusted before a run, and a run before a successor', () => {
  const predictor = createPredictor()
  const before = predictor.stream()
  for (let round = 0; round < 4; round += 1) for (const key of ['root', 'other']) before.observe(key)
  const stream = predictor.stream({ keyAt: (position) => `run ${position}` })
  for (const position of [1, 2]) stream.observe(`run ${position}`, { position })
  stream.observe('root', { position: 3, links: ['x', 'y'] })
  expect(stream.predict(9).map(({ key, source }) => `${source} ${key}`)).toEqual([
    'links x',
    'links y',
    ...Array.from({ length: 7 }, (_, at) => `run run ${at + 4}`),
  ])
  const alone = predictor.stream()
  alone.observe('root')
  expect(stream.predict(1)).toHaveLength(1)
  expect(alone.predict(9).map(({ key, source }) => `${source} ${key}`)).toEqual(['successor other'])
})

describe('the class of a workload', () => {
  const classes = (reads: Iterable<{ key: string; position?: number }>) => {
    const predictor = createPredictor()
    const stream = predictor.stream()
    for (const { key, position } of reads) stream.observe(key, position === undefined ? {} : { position })
    return predictor.classify()
  }
  const positions = (count: number, at: (read: number) => number) =>
    Array.from({ length: count }, (_, read) => ({ key: `key ${at(read)}`, position: at(read) }))

  test('is unknown at first', () => {
    expect(classes(positions(15, (read) => read))).toMatchObject({
      class: 'unknown',
      counts: { inOrder: 14 },
    })
  })

  test('is sequential for reads in order, and for strides', () => {
    expect(classes(positions(300, (read) => read))).toMatchObject({
      class: 'sequential',
      counts: { inOrder: 256, strided: 0, repeated: 0, near: 0, other: 0 },
      on: { links: true, run: true, successor: true },
    })
    expect(classes(positions(300, (read) => 7 * read))).toMatchObject({
      class: 'sequential',
      counts: { strided: 256 },
    })
  })

  test('is loop for what comes round again', () => {
    const loop = Array.from({ length: 600 }, (_, read) => ({ key: `key ${(read * 37) % 101}` }))
    expect(classes(loop)).toMatchObject({ class: 'loop', counts: { repeated: 256 }, on: { successor: true } })
  })

  test('is clustered for what lies close together', () => {
    let seed = 1
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647)
    const near = positions(400, (read) => 10_000 * Math.floor(read / 40) + (next() % 16))
    expect(classes(near)).toMatchObject({
      class: 'clustered',
      on: { links: true, run: true, successor: false },
    })
  })

  test('is random for the rest, and then nothing is expected that was not earned', () => {
    let seed = 1
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647)
    const random = positions(400, () => next())
    expect(classes(random)).toMatchObject({
      class: 'random',
      counts: { other: 256 },
      on: { links: false, run: false, successor: false },
    })
    const predictor = createPredictor()
    const stream = predictor.stream()
    for (const { key } of random) stream.observe(key)
    const fresh = predictor.stream()
    fresh.observe('root', { links: ['a', 'b', 'c', 'd'] })
    expect(fresh.predict(4)).toEqual([])
    fresh.observe('a')
    fresh.observe('b')
    expect(keysOf(fresh.predict(4))).toEqual(['c', 'd'])
  })
})

test('readers that begin in the middle of files make the next one wait for its second read', () => {
  const predictor = createPredictor()
  const links = ['a', 'b', 'c', 'd']
  for (let reader = 0; reader < 3; reader += 1) {
    const stream = predictor.stream()
    stream.observe(`root ${reader}`, { links })
    stream.observe('c')
  }
  const fresh = predictor.stream()
  fresh.observe('root', { links })
  expect(fresh.predict(4)).toEqual([])
})

test('keys of any kind are keys', () => {
  const stream = createPredictor().stream()
  const odd = ['', '\0', 'a'.repeat(10_000), '\uD800', '__proto__', 'constructor']
  for (let round = 0; round < 4; round += 1) for (const key of odd) stream.observe(key)
  stream.observe(odd[0]!)
  expect(keysOf(stream.predict(1))).toEqual([odd[1]])
})

test('bad options, keys, positions and links are refused', () => {
  // @ts-expect-error an option that is none
  expect(() => createPredictor({ maxKey: 1 })).toThrow('has no option maxKey')
  for (const maxKeys of [0, 3, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 24 + 1])
    expect(() => createPredictor({ maxKeys })).toThrow(RangeError)
  const predictor = createPredictor({ maxKeys: 4 })
  // @ts-expect-error no function
  expect(() => predictor.stream({ keyAt: 1 })).toThrow(TypeError)
  const stream = predictor.stream()
  // @ts-expect-error no key
  expect(() => stream.observe(7)).toThrow(TypeError)
  for (const position of [-1, 0.5, Number.NaN])
    expect(() => stream.observe('a', { position })).toThrow(RangeError)
  // @ts-expect-error no keys
  expect(() => stream.observe('a', { links: [1] })).toThrow(TypeError)
  expect(stream.predict(0)).toEqual([])
  expect(stream.predict(Number.NaN)).toEqual([])
  expect(Object.isFrozen(predictor.stats())).toBe(true)
})
