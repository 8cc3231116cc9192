import assert from 'node:assert/strict'
import { channel, fromReadable, moveOnAfter, taskGroup, toReadable } from '@ipfs-kit/concurrency'

// Two senders, a buffer of two values, three receivers. Each task has an end of its own and closes it.
const sums = await taskGroup(async (group) => {
  const [send, receive] = channel<number>(2)
  for (const from of [0, 50]) {
    const own = send.clone()
    group.spawn(async () => {
      using end = own
      for (let value = from; value < from + 50; value++) await end.send(value)
    })
  }
  send.close()
  const workers = [1, 2, 3].map(() => {
    const own = receive.clone()
    return group.spawn(async () => {
      using end = own
      let sum = 0
      // Ends when the last sender has closed and the buffer is empty.
      for await (const value of end) sum += value
      return sum
    })
  })
  receive.close()
  return [await workers[0], await workers[1], await workers[2]] as number[]
})
assert.equal(
  sums.reduce((all, sum) => all + sum, 0),
  4950,
)

// Without a buffer each send waits for its receiver. One that is cancelled has sent nothing.
const [send, receive] = channel<string>(0)
assert.equal(await moveOnAfter(1, () => send.send('lost')), undefined)
assert.equal(receive.tryReceive(), undefined)
assert.equal(send.trySend('nobody waits'), false)

// Who sends to nobody is told, and so is who receives from nobody.
receive.close()
await assert.rejects(send.send('anyone?'), { code: 'CONCURRENCY_CHANNEL_BROKEN' })
const [other, last] = channel<string>(1)
other.trySend('the last one')
other.close()
assert.equal(await last.receive(), 'the last one')
await assert.rejects(last.receive(), { code: 'CONCURRENCY_CHANNEL_ENDED' })

// Ends are web streams where an API takes those, and web streams are ends.
const [words, spoken] = channel<string>(1)
const upper = new TransformStream<string, string>({
  transform: (word, controller) => controller.enqueue(word.toUpperCase()),
})
const heard = await taskGroup(async (group) => {
  group.spawn(async () => {
    for (const word of ['one', 'two']) await words.send(word)
    words.close()
  })
  const got: string[] = []
  for await (const word of fromReadable(toReadable(spoken).pipeThrough(upper))) got.push(word)
  return got
})
assert.deepEqual(heard, ['ONE', 'TWO'])
