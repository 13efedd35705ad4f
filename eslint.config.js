import tseslint from 'typescript-eslint';

// Type-aware rules at their strictest. What is switched off stands here with its reason.
export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '_soil/', 'shims/'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'only main.ts reads the environment: pass values in' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Numbers in messages and addresses are the rule here, not a slip.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // node:test returns promises from test() that the runner itself awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'it', 'describe', 'suite'], package: 'node:test' },
          ],
        },
      ],
    },
  },
  {
    // The edge of the house: programs that print and read the environment.
    files: ['**/main.ts', 'test/**/*.ts', 'bench/**/*.ts', '**/*.test.ts'],
    rules: {
      'no-console': 'off',
      'no-restricted-properties': 'off',
      // Alphabets for generators are written as strings.
      '@typescript-eslint/no-misused-spread': 'off',
    },
  },
);
