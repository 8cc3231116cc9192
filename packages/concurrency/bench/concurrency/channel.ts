/** one producer, one consumer, every send awaited; who has a loop for it iterates. */
import { channel, taskGroup } from '@ipfs-kit/concurrency'
import { Effect, Fiber, Queue } from 'effect'
import { compare, timed, type Comparison, type Options, type Run } from './rounds.ts'

export const channelIds = ['A-3.effect', 'A-3.web', 'A-3.generator']

const capacity = 100

export async function measureChannel(options: Options) {
  return await compare(comparison(options.quick ? 5000 : 50_000), options)
}

function comparison(values: number): Comparison {
  const expected = ((values - 1) * values) / 2
  const checked =
    (job: (values: number) => Promise<number>): Run =>
    () =>
      timed(async () => {
        const sum = await job(values)
        if (sum !== expected) throw new Error(`what was received adds up to ${sum}, not ${expected}`)
      })
  return {
    measure: `${values} values through a channel of capacity ${capacity}, rate`,
    rounds: 15,
    warmup: 5,
    detail: { values, capacity },
    ours: checked(throughChannel),
    peers: [
      {
        id: 'A-3.effect',
        name: 'effect',
        how: "effect's bounded Queue",
        bar: '>= 5',
        run: checked(throughQueue),
      },
      {
        id: 'A-3.web',
        name: 'web',
        how: 'a web TransformStream',
        bar: '>= 5',
        run: checked(throughStream),
      },
      {
        id: 'A-3.generator',
        name: 'generator',
        how: 'a native async generator',
        bar: '>= 0.4',
        run: checked(async (count) => await sumOf(generate(count))),
      },
    ],
  }
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
