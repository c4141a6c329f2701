import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';

type Info = ConstructorParameters<typeof MockActivityEnvironment>[0];

/** What an activity sees of Temporal. Quiet: the failures that tests ask for are no warnings. */
export const activityEnvironment = (info: Info = {}): MockActivityEnvironment => new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') });
