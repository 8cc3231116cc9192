/** one producer, one consumer, every send awaited; who has a loop for it iterates. */
import { channel, taskGroup } from '@ipfs-kit/concurrency'
import { Effect, Fiber, Queue } from 'effect'
import { interleave, medians, ratioResult, ratios, timed, type Contender, type Options } from './rounds.ts'

const peers = [
  { name: 'effect', bar: '>= 5', how: "effect's bounded Queue" },
  { name: 'web', bar: '>= 5', how: 'a web TransformStream' },
  { name: 'generator', bar: '>= 0.4', how: 'a native async generator' },
]

export const channelIds = peers.map(({ name }) => `A-3.${name}`)

const capacity = 100

export async function measureChannel({ quick, only, log }: Options) {
  const values = quick ? 5000 : 50_000
  const wanted = peers.filter(({ name }) => only === undefined || only.has(`A-3.${name}`))
  if (wanted.length === 0) return []
  const all = contenders(values).filter(
    ({ name }) => name === 'ours' || wanted.some((peer) => peer.name === name),
  )
  const times = await interleave(all, { rounds: quick ? 3 : 11, warmup: quick ? 1 : 5, what: 'A-3', log })
  return wanted.map(({ name, bar, how }) =>
    ratioResult(
      `A-3.${name}`,
      `${values} values through a channel of capacity ${capacity}, rate against ${how}`,
      bar,
      ratios(times, name),
      { values, capacity, ms: medians(times) },
    ),
  )
}

function contenders(values: number): Contender[] {
  const expected = ((values - 1) * values) / 2
  const jobs: Record<string, () => Promise<number>> = {
    ours: () => throughChannel(values),
    effect: () => throughQueue(values),
    web: () => throughStream(values),
    generator: () => sumOf(generate(values)),
  }
  return Object.entries(jobs).map(([name, job]) => ({
    name,
    run: () =>
      timed(async () => {
        const sum = await job()
        if (sum !== expected) throw new Error(`${name} delivered a sum of ${sum}, not ${expected}`)
      }),
  }))
}

async function sumOf(values: AsyncIterable<number>): Promise<number> {
  let sum = 0
  for await (const value of values) sum += value
  return sum
}

function throughChannel(values: number): Promise<number> {
  return taskGroup(async (group) => {
    const [send, receive] = channel<number>(capacity)
    group.spawn(async () => {
      for (let value = 0; value < values; value++) await send.send(value)
      send.close()
    })
    return await sumOf(receive)
  })
}

function throughQueue(values: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const queue = yield* Queue.bounded<number>(capacity)
      const producer = yield* Effect.forkChild(
        Effect.gen(function* () {
          for (let value = 0; value < values; value++) yield* Queue.offer(queue, value)
        }),
      )
      let sum = 0
      for (let taken = 0; taken < values; taken++) sum += yield* Queue.take(queue)
      yield* Fiber.join(producer)
      return sum
    }),
  )
}

async function throughStream(values: number): Promise<number> {
  const { readable, writable } = new TransformStream<number, number>(
    {},
    { highWaterMark: capacity },
    { highWaterMark: capacity },
  )
  const produce = async () => {
    const writer = writable.getWriter()
    for (let value = 0; value < values; value++) await writer.write(value)
    await writer.close()
  }
  const [sum] = await Promise.all([sumOf(readable), produce()])
  return sum
}

async function* generate(values: number): AsyncGenerator<number> {
  for (let value = 0; value < values; value++) yield value
}
