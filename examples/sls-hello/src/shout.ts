import { loud } from './loud';

interface Event {
  name?: string;
}

export const handler = async (event: Event): Promise<{ message: string }> => {
  return { message: loud(`${process.env.GREETING}, ${event.name ?? 'world'}`) };
};
