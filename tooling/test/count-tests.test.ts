import { expect, test } from 'vitest'
import { countTests } from '../count-tests.ts'
import { otherPorts, portReport } from '../ports.ts'
import { folderOf, type Files } from './fixture.ts'

/** A report of vitest with these tests in one file, title to status. */
function report(tests: Record<string, string>, more: Record<string, unknown> = {}) {
  const statuses = Object.values(tests)
  const failed = statuses.filter((status) => status === 'failed').length
  return {
    numPassedTests: statuses.filter((status) => status === 'passed').length,
    numFailedTests: failed,
    success: failed === 0,
    testResults: [
      {
        name: 'a.test.ts',
        status: failed === 0 ? 'passed' : 'failed',
        assertionResults: Object.entries(tests).map(([fullName, status]) => ({ fullName, status })),
      },
    ],
    ...more,
  }
}

const clean: Files = {
  'packages/ipfs/test/a.test.ts': '',
  'packages/ipfs/reports/vitest.json': report({ one: 'passed', two: 'passed' }),
  'apps/cli/test/a.test.ts': '',
  'apps/cli/reports/vitest.json': report({ three: 'passed' }),
  'tooling/test/a.test.ts': '',
  'tooling/reports/vitest.json': report({ four: 'passed' }),
  'packages/untested/src/index.ts': '',
  'reports/packages.json': { passed: 6, failed: [] },
}

/** Counts the clean workspace with some files changed; `undefined` leaves a file out. */
function count(changes: Files, failedSteps: string[] = []) {
  const files = { ...clean, ...changes }
  const present = Object.entries(files).filter(([, content]) => content !== undefined)
  return countTests(folderOf(Object.fromEntries(present)), failedSteps)
}

const name = 'packages/ipfs/reports/vitest.json'

test('sums packages, apps, tooling and the pack check', () => {
  expect(count({})).toEqual({ passed: 10, failed: 0, notes: [] })
})

test('names failed and skipped tests', () => {
  const changes = { [name]: report({ one: 'passed', two: 'failed', three: 'skipped', four: 'todo' }) }
  expect(count(changes)).toEqual({
    passed: 9,
    failed: 1,
    notes: ['failed: packages/ipfs: two', 'skipped: packages/ipfs: three', 'skipped: packages/ipfs: four'],
  })
})

test('names as skipped whatever has neither passed nor failed', () => {
  const tests = { one: 'passed', two: 'pending', three: 'disabled', four: 'a status of a later Vitest' }
  expect(count({ [name]: report(tests) })).toEqual({
    passed: 9,
    failed: 0,
    notes: ['two', 'three', 'four'].map((title) => `skipped: packages/ipfs: ${title}`),
  })
})

test('sums the tests of a package that need services', () => {
  const changes = {
    'packages/ipfs/package.json': { scripts: { 'test:services': 'vitest' } },
    'packages/ipfs/reports/services.json': report({ five: 'passed', six: 'failed' }),
  }
  expect(count(changes)).toEqual({
    passed: 11,
    failed: 1,
    notes: ['failed: packages/ipfs with services: six'],
  })
  expect(count({ ...changes, 'packages/ipfs/reports/services.json': undefined })).toEqual({
    passed: 10,
    failed: 1,
    notes: ['failed: packages/ipfs with services has tests and no report'],
  })
})

test('sums the suite of concurrency on the other runtimes', () => {
  const own = {
    'packages/concurrency/test/a.test.ts': '',
    'packages/concurrency/reports/vitest.json': report({ five: 'passed' }),
  }
  const [first, ...others] = otherPorts().map((port) => [port.name, portReport(port)] as const)
  const reports = Object.fromEntries(others.map(([, path]) => [path, report({ five: 'passed' })]))
  expect(others.length).toBeGreaterThan(0)
  expect(count({ ...own, ...reports, [first![1]]: report({ five: 'skipped', six: 'passed' }) })).toEqual({
    passed: 12 + others.length,
    failed: 0,
    notes: [`skipped: packages/concurrency on ${first![0]}: five`],
  })
  expect(count({ ...own, ...reports })).toMatchObject({
    failed: 1,
    notes: [`failed: packages/concurrency on ${first![0]} has tests and no report`],
  })
})

test('the port matrix leaves out the Node that runs it', () => {
  expect(otherPorts('24.21.0').map(({ name }) => name)).toEqual(['node-26', 'deno'])
  expect(otherPorts('26.1.0').map(({ name }) => name)).toEqual(['node-24', 'deno'])
})

test('a missing report counts as failed', () => {
  expect(count({ [name]: undefined })).toEqual({
    passed: 8,
    failed: 1,
    notes: ['failed: packages/ipfs has tests and no report'],
  })
})

test('a report without a test that ran counts as failed', () => {
  expect(count({ [name]: report({ one: 'skipped' }) })).toEqual({
    passed: 8,
    failed: 1,
    notes: [`failed: ${name} reports no test that ran`],
  })
})

test('a file that could not be loaded counts as failed', () => {
  const broken = { name: 'b.test.ts', status: 'failed', assertionResults: [] }
  const whole = report({ one: 'passed' })
  const changes = { [name]: { ...whole, success: false, testResults: [...whole.testResults, broken] } }
  expect(count(changes)).toEqual({
    passed: 9,
    failed: 1,
    notes: ['failed: packages/ipfs: b.test.ts could not run'],
  })
})

test('a run that failed outside of its tests counts as failed', () => {
  expect(count({ [name]: report({ one: 'passed' }, { success: false }) })).toEqual({
    passed: 9,
    failed: 1,
    notes: ['failed: packages/ipfs: the run failed outside of its tests'],
  })
})

test('failures of the pack check are counted and named', () => {
  const changes = { 'reports/packages.json': { passed: 4, failed: ['packages/ipfs: publint: no'] } }
  expect(count(changes)).toEqual({ passed: 8, failed: 1, notes: ['failed: packages/ipfs: publint: no'] })
})

test('a pack check that did not end counts as failed', () => {
  expect(count({ 'reports/packages.json': undefined })).toMatchObject({ passed: 4, failed: 1 })
})

test('a step that failed counts once, and not beside the failures of its own report', () => {
  expect(count({}, ['lint', 'test'])).toEqual({
    passed: 10,
    failed: 2,
    notes: ['failed: step lint', 'failed: step test'],
  })
  expect(count({ [name]: report({ one: 'failed' }) }, ['lint', 'test'])).toMatchObject({ failed: 2 })
})
