/** The contract of channels: values pass in order, each once, and no more of them wait than there is room for. */
import { deepStrictEqual as equal } from 'node:assert/strict'
import { checkpoint } from '../sleep.ts'
import { taskGroup } from '../task-group.ts'
import { waitAllTasksBlocked } from './all-blocked.ts'
import type { ContractCase, MakeChannel } from './channel-contract.ts'

export function flowCases(make: MakeChannel): ContractCase[] {
  return [
    {
      name: 'gives values in the order in which they were sent',
      async run() {
        for (const capacity of [0, 1, 3]) {
          const [send, receive] = make<number>(capacity)
          const got: number[] = []
          await taskGroup((group) => {
            group.spawn(async () => {
              for (let value = 0; value < 8; value++) await send.send(value)
              send.close()
            })
            group.spawn(async () => {
              for await (const value of receive) got.push(value)
            })
          })
          equal(got, [0, 1, 2, 3, 4, 5, 6, 7])
        }
      },
    },
    {
      name: 'takes as many values as it has room for, and lets the next sender wait',
      async run() {
        for (const capacity of [0, 1, 3]) {
          const [send, receive] = make<number>(capacity)
          let sent = 0
          await taskGroup(async (group) => {
            group.spawn(async () => {
              for (; sent < capacity + 2; sent++) await send.send(sent)
            })
            await waitAllTasksBlocked()
            equal(sent, capacity)
            equal(send.stats().buffered, capacity)
            equal(send.stats().sending, 1)
            equal(await receive.receive(), 0)
            await waitAllTasksBlocked()
            equal(sent, capacity + 1)
            equal(await receive.receive(), 1)
          })
        }
      },
    },
    {
      name: 'gives each value to one receiver, and loses none',
      async run() {
        const [send, receive] = make<number>(2)
        const got: number[] = []
        await taskGroup((group) => {
          for (let sender = 0; sender < 3; sender++) {
            const end = send.clone()
            group.spawn(async () => {
              for (let at = 0; at < 5; at++) await end.send(sender * 5 + at)
              end.close()
            })
            group.spawn(async () => {
              for await (const value of receive) {
                got.push(value)
                await checkpoint()
              }
            })
          }
          send.close()
        })
        equal(
          got.toSorted((a, b) => a - b),
          Array.from({ length: 15 }, (_, at) => at),
        )
      },
    },
    {
      name: 'serves senders that wait, and receivers that wait, in the order of their coming',
      async run() {
        const [send, receive] = make<string>(0)
        const got: string[] = []
        await taskGroup(async (group) => {
          for (const name of ['a', 'b', 'c']) {
            group.spawn(async () => await send.send(name))
            await waitAllTasksBlocked()
          }
          equal(send.stats().sending, 3)
          for (let at = 0; at < 3; at++) got.push(await receive.receive())
        })
        equal(got, ['a', 'b', 'c'])
        await taskGroup(async (group) => {
          for (const name of ['x', 'y', 'z']) {
            group.spawn(async () => {
              got.push(name + (await receive.receive()))
            })
            await waitAllTasksBlocked()
          }
          equal(receive.stats().receiving, 3)
          for (const value of ['1', '2', '3']) {
            await send.send(value)
            await waitAllTasksBlocked()
          }
        })
        equal(got.slice(3), ['x1', 'y2', 'z3'])
      },
    },
    {
      name: 'trySend and tryReceive say at once whether they could',
      async run() {
        const [send, receive] = make<number>(1)
        equal(receive.tryReceive(), undefined)
        equal(send.trySend(1), true)
        equal(send.trySend(2), false)
        equal(receive.tryReceive(), { value: 1 })
        equal(receive.tryReceive(), undefined)
        await taskGroup(async (group) => {
          const task = group.spawn(async () => await receive.receive())
          await waitAllTasksBlocked()
          equal(send.trySend(3), true)
          equal(await task, 3)
        })
      },
    },
    {
      name: 'carries undefined as any other value',
      async run() {
        const [send, receive] = make<undefined>(2)
        await send.send(undefined)
        equal(send.trySend(undefined), true)
        equal(receive.tryReceive(), { value: undefined })
        equal(await receive.receive(), undefined)
      },
    },
    {
      name: 'counts what it holds and who waits',
      async run() {
        const [send, receive] = make<number>(3)
        const [second, other] = [send.clone(), receive.clone()]
        await send.send(1)
        equal(
          { ...receive.stats() },
          {
            capacity: 3,
            buffered: 1,
            senders: 2,
            receivers: 2,
            sending: 0,
            receiving: 0,
          },
        )
        second.close()
        other.close()
        equal(send.stats().senders, 1)
        equal(send.stats().receivers, 1)
      },
    },
  ]
}
