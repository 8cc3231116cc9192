/** What `interface-blockstore-tests` takes from `aegir/chai`: chai with promises, and `true()`, `false()` and `ok()` as calls. */
import * as chai from 'chai'
import asPromised from 'chai-as-promised'

chai.use(asPromised)
for (const name of ['true', 'false', 'ok']) {
  const asserting = Object.getOwnPropertyDescriptor(chai.Assertion.prototype, name)!
  Object.defineProperty(chai.Assertion.prototype, name, {
    configurable: true,
    get(this: unknown) {
      return () => asserting.get!.call(this) as unknown
    },
  })
}

export const { expect } = chai
