import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleScenarios } from './browser/bundle.ts'
import { openPlace } from './browser/place.ts'
import { scenarios, type runScenario } from './browser/scenarios.ts'

test('the core bundles for a browser without an import', async () => {
  const { code, imports, inputs } = await bundleScenarios()
  expect(imports).toEqual([])
  expect(code).not.toMatch(/node:|require\(/)
  expect(inputs.some((path) => path.endsWith('src/host-portable.ts'))).toBe(true)
  expect(inputs.some((path) => path.endsWith('src/host-node.ts'))).toBe(false)
})

// The bundle is a second copy of the package, with the hooks of a host that has nothing but what browsers have.
describe('without Node modules and async context', () => {
  let server: Awaited<ReturnType<typeof openPlace>>
  let bundled: { runScenario: typeof runScenario }

  beforeAll(async () => {
    const { code } = await bundleScenarios()
    server = await openPlace(code)
    const address = `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
    bundled = (await import(/* @vite-ignore */ address)) as typeof bundled
  })

  afterAll(async () => await server[Symbol.asyncDispose]())

  for (const name of Object.keys(scenarios)) {
    test(name, async () => {
      expect(await bundled.runScenario(name, { silentUrl: `${server.origin}/silent` })).toEqual({ name })
    })
  }
})
