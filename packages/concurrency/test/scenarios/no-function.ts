/** No scenario: exports no function. */
export default { run: 1 }
