/** The contract of channels: a cancelled wait has sent nothing and taken nothing, and stands in nobody's way. */
import { deepStrictEqual as equal, ok, rejects } from 'node:assert/strict'
import { cancelScope } from '../cancel-scope.ts'
import { checkpoint } from '../sleep.ts'
import { taskGroup, type TaskGroup } from '../task-group.ts'
import type { Task } from '../task.ts'
import { waitAllTasksBlocked } from './all-blocked.ts'
import type { ContractCase, MakeChannel } from './channel-contract.ts'

export function cancellingCases(make: MakeChannel): ContractCase[] {
  return [
    {
      name: 'a send that is cancelled has sent nothing, and leaves at once',
      async run() {
        const [send, receive] = make<number>(0)
        await taskGroup(async (group) => {
          const first = group.spawn(async () => await send.send(1))
          await waitAllTasksBlocked()
          group.spawn(async () => await send.send(2))
          await waitAllTasksBlocked()
          first.cancel()
          equal(send.stats().sending, 1)
          equal(await receive.receive(), 2)
        })
        equal(receive.tryReceive(), undefined)
      },
    },
    {
      name: 'a receive that is cancelled has taken nothing, and leaves at once',
      async run() {
        const [send, receive] = make<number>(0)
        await taskGroup(async (group) => {
          const first = group.spawn(async () => await receive.receive())
          await waitAllTasksBlocked()
          const second = group.spawn(async () => await receive.receive())
          await waitAllTasksBlocked()
          first.cancel()
          equal(receive.stats().receiving, 1)
          await send.send(9)
          equal(await second, 9)
        })
      },
    },
    {
      name: 'refuses to wait in a cancelled scope, with its reason, also where it would not have to',
      async run() {
        const [send, receive] = make<number>(2)
        await send.send(1)
        await cancelScope(async (scope) => {
          scope.cancel('enough')
          const reason = (error: unknown) => error === scope.reason
          await rejects(send.send(2), reason)
          await rejects(receive.receive(), reason)
          await rejects(receive[Symbol.asyncIterator]().next(), reason)
        })
        equal(receive.stats().buffered, 1)
        const signal = AbortSignal.abort(new Error('given'))
        await rejects(send.send(2, { signal }), /given/)
        await rejects(receive.receive({ signal }), /given/)
        equal(receive.stats().buffered, 1)
      },
    },
    {
      name: 'what was sent is received once, whoever is cancelled meanwhile',
      async run() {
        for (const capacity of [0, 1, 2]) await conserves(make, capacity)
      },
    },
  ]
}

/** Senders and receivers, some of which are cancelled: a value arrives if and only if its send was fulfilled. */
async function conserves(make: MakeChannel, capacity: number): Promise<void> {
  const [send, receive] = make<number>(capacity)
  const sent: number[] = []
  const got: number[] = []
  await taskGroup(async (group) => {
    const senders = [0, 1, 2, 3, 4, 5].map((value) =>
      group.spawn(async () => {
        await send.send(value)
        sent.push(value)
      }),
    )
    const receivers = [0, 1, 2, 3].map(() =>
      group.spawn(async () => {
        got.push(await receive.receive())
      }),
    )
    cancelSoon(group, [senders[1]!, senders[4]!, receivers[0]!, receivers[2]!])
    await waitAllTasksBlocked()
    for (let one = receive.tryReceive(); one !== undefined; one = receive.tryReceive()) {
      got.push(one.value)
      await checkpoint()
    }
    await waitAllTasksBlocked()
    for (const task of receivers) task.cancel()
  })
  const inOrder = (values: number[]) => values.toSorted((a, b) => a - b)
  equal(inOrder(got), inOrder(sent))
  ok(sent.length >= 4)
  const { buffered, sending, receiving } = receive.stats()
  equal([buffered, sending, receiving], [0, 0, 0])
}

function cancelSoon(group: TaskGroup, tasks: readonly Task<unknown>[]): void {
  for (const task of tasks) {
    group.spawn(async () => {
      await checkpoint()
      task.cancel()
    })
  }
}
