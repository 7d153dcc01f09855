/** What `npm test` ends with: the tests that need more than npm installs, and are other commands. */
process.stdout.write(`Not among these tests:
  npm run test:deploy        a real cdk deploy, to an emulator of AWS (needs Python 3.11 or newer)
  npm run test:conformance   the table, over AWS's own DynamoDB Local (needs a JDK 17 or newer)
`);
