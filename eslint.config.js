import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules/', '.tuneline/', 'jobs/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', '*.mjs', 'scripts/*.mjs'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // A message is for people: numbers in it are wanted.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { varsIgnorePattern: '^_', argsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      // Both see a flag that another task sets, and a reply whose type the caller names, as mistakes.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      'no-nested-ternary': 'error',
      '@typescript-eslint/no-shadow': 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Named exports only: one name for one thing, everywhere.' },
      ],
    },
  },
  {
    files: ['**/*.ts'],
    // The build cache belongs to the tests: no setting of the product names it.
    ignores: ['workers/config.ts', 'scripts/dev/build-cache.ts', 'test/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only workers/config.ts reads the environment; ask it.' },
      ],
    },
  },
  {
    files: ['domain/**', 'workflows/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['fetch', 'setInterval', 'process'].map((name) => ({ name, message: 'Decisions and workflows do no I/O.' })),
      ],
    },
  },
  // The client's models are classes that it takes as plain literals.
  {
    files: ['k8s/**', 'test/k8s/**', 'test/cluster/**', 'test/faults/**', 'test/e2e/kubernetes.test.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  // Fakes are objects of functions, passed on one by one.
  { files: ['test/**'], rules: { '@typescript-eslint/unbound-method': 'off' } },
  {
    files: ['*.js', '*.mjs', '**/*.mjs', '*.cjs'],
    ...tseslint.configs.disableTypeChecked,
    rules: { ...tseslint.configs.disableTypeChecked.rules, 'no-restricted-syntax': 'off' },
  },
);
