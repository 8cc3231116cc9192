/**
 * What holds on any host, written with nothing but the core and passed scopes: bundled for a browser, and run in a page
 * and beside Node's modules.
 */
import type { Place, Scenarios } from './checks.ts'
import { primitiveScenarios } from './primitive-scenarios.ts'
import { scopeScenarios } from './scope-scenarios.ts'
import { simulatorScenarios } from './simulator-scenarios.ts'

/** The scenarios by the fact that each shows. */
export const scenarios: Scenarios = { ...scopeScenarios, ...primitiveScenarios, ...simulatorScenarios }

/** How one scenario ended. */
export interface ScenarioResult {
  readonly name: string
  /** Stack of the error; absent if it holds. */
  readonly failure?: string
}

/** Runs one scenario. */
export async function runScenario(name: string, place: Place): Promise<ScenarioResult> {
  try {
    await scenarios[name]!(place)
    return { name }
  } catch (error) {
    const text = error instanceof Error ? `${error.message}\n${error.stack}` : String(error)
    return { name, failure: text }
  }
}
