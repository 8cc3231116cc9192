import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { moveOnAfter, run, suspend } from '@ipfs-kit/concurrency'

/** Waits for an event; a wait that is cancelled leaves no listener. */
const next = (emitter: EventEmitter, name: string) =>
  suspend<unknown>(
    (resume) => {
      const listener = (value: unknown) => resume.resolve(value)
      emitter.once(name, listener)
      return () => {
        emitter.off(name, listener)
      }
    },
    { what: `event ${name}` },
  )

const emitter = new EventEmitter()
const waiting = next(emitter, 'block')
emitter.emit('block', 42)
assert.equal(await waiting, 42)

assert.equal(await moveOnAfter(1, () => next(emitter, 'block')), undefined)
assert.equal(emitter.listenerCount('block'), 0)

// A promise of somebody else cannot be stopped: `run` stops waiting for it, and the work goes on.
const foreign = Promise.withResolvers<string>()
assert.equal(await moveOnAfter(1, () => run(foreign.promise)), undefined)
foreign.resolve('done all the same')
assert.equal(await run(foreign.promise), 'done all the same')
