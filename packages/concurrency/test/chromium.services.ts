import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleScenarios } from './browser/bundle.ts'
import { findChromium } from './browser/chromium.ts'
import { openPlace } from './browser/place.ts'
import { scenarios, type ScenarioResult } from './browser/scenarios.ts'

test('there is a Chromium on this machine', () => {
  expect(findChromium()).not.toBe('')
})

describe('in headless Chromium', () => {
  let server: Awaited<ReturnType<typeof openPlace>>
  let browser: Browser
  let page: Page

  beforeAll(async () => {
    const { code } = await bundleScenarios()
    server = await openPlace(code)
    browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] })
    page = await browser.newPage()
    await page.goto(server.origin)
  })

  afterAll(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })

  for (const name of Object.keys(scenarios)) {
    test(name, async () => {
      const place = JSON.stringify({ silentUrl: `${server.origin}/silent` })
      const result: ScenarioResult = await page.evaluate(
        `import('/scenarios.js').then((module) => module.runScenario(${JSON.stringify(name)}, ${place}))`,
      )
      expect(result).toEqual({ name })
    })
  }
})
