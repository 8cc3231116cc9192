/** The contract of channels: what closing an end does to those who wait, and to those who come later. */
import { deepStrictEqual as equal, rejects, throws } from 'node:assert/strict'
import { taskGroup } from '../task-group.ts'
import { waitAllTasksBlocked } from './all-blocked.ts'
import type { ContractCase, MakeChannel } from './channel-contract.ts'

const closed = { code: 'CONCURRENCY_CHANNEL_CLOSED' }
const broken = { code: 'CONCURRENCY_CHANNEL_BROKEN' }
const ended = { code: 'CONCURRENCY_CHANNEL_ENDED' }

export function endCases(make: MakeChannel): ContractCase[] {
  return [
    {
      name: 'gives what is buffered before it ends',
      async run() {
        const [send, receive] = make<number>(2)
        await send.send(1)
        await send.send(2)
        send.close()
        equal(await receive.receive(), 1)
        equal(receive.tryReceive(), { value: 2 })
        await rejects(receive.receive(), ended)
        throws(() => receive.tryReceive(), ended)
      },
    },
    {
      name: 'ends when the last sending end is closed, not before',
      async run() {
        const [send, receive] = make<number>(0)
        const second = send.clone()
        await taskGroup(async (group) => {
          let over = false
          group.spawn(async () => {
            await rejects(receive.receive(), ended)
            over = true
          })
          await waitAllTasksBlocked()
          send.close()
          send.close()
          await waitAllTasksBlocked()
          equal(over, false)
          second.close()
        })
      },
    },
    {
      name: 'ends an iteration without an error, also one that waits',
      async run() {
        const [send, receive] = make<number>(1)
        const got: number[] = []
        await taskGroup(async (group) => {
          group.spawn(async () => {
            for await (const value of receive) got.push(value)
            got.push(-1)
          })
          await send.send(7)
          await waitAllTasksBlocked()
          send.close()
        })
        equal(got, [7, -1])
        for await (const value of receive) got.push(value)
        equal(got, [7, -1])
      },
    },
    {
      name: 'fails senders when the last receiving end is closed, those that wait too',
      async run() {
        const [send, receive] = make<number>(0)
        const second = receive.clone()
        await taskGroup(async (group) => {
          const task = group.spawn(async () => await rejects(send.send(1), broken))
          await waitAllTasksBlocked()
          receive.close()
          await waitAllTasksBlocked()
          equal(task.state, 'pending')
          second.close()
        })
        await rejects(send.send(2), broken)
        throws(() => send.trySend(3), broken)
      },
    },
    {
      name: 'refuses the use of a closed end, while its clones work',
      async run() {
        const [send, receive] = make<number>(1)
        const [otherSend, otherReceive] = [send.clone(), receive.clone()]
        send.close()
        receive.close()
        await rejects(send.send(1), closed)
        await rejects(receive.receive(), closed)
        throws(() => send.trySend(1), closed)
        throws(() => receive.tryReceive(), closed)
        throws(() => send.clone(), closed)
        throws(() => receive.clone(), closed)
        await otherSend.send(5)
        equal(await otherReceive.receive(), 5)
      },
    },
    {
      name: 'rejects the waits on an end that is closed meanwhile, and no others',
      async run() {
        const [send, receive] = make<number>(0)
        const [otherSend, otherReceive] = [send.clone(), receive.clone()]
        await taskGroup(async (group) => {
          group.spawn(async () => await rejects(receive.receive(), closed))
          const task = group.spawn(async () => await otherReceive.receive())
          await waitAllTasksBlocked()
          receive.close()
          await otherSend.send(1)
          equal(await task, 1)
        })
        await taskGroup(async (group) => {
          group.spawn(async () => await rejects(send.send(2), closed))
          group.spawn(async () => await otherSend.send(3))
          await waitAllTasksBlocked()
          send.close()
          equal(await otherReceive.receive(), 3)
        })
      },
    },
    {
      name: 'closes an end at the end of its block',
      async run() {
        const [send, receive] = make<number>(1)
        {
          using end = send
          await end.send(1)
        }
        await rejects(send.send(2), closed)
        equal(await receive.receive(), 1)
        await rejects(receive.receive(), ended)
      },
    },
  ]
}
