package org.backpack4j.examples.notebook;

import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import org.dflib.jjava.jupyter.channels.JupyterConnection;
import org.dflib.jjava.jupyter.channels.JupyterSocket;
import org.dflib.jjava.jupyter.channels.ShellChannel;
import org.dflib.jjava.jupyter.channels.ShellReplyEnvironment;
import org.dflib.jjava.jupyter.channels.StdinChannel;
import org.dflib.jjava.jupyter.kernel.KernelConnectionProperties;
import org.dflib.jjava.jupyter.messages.Message;
import org.dflib.jjava.jupyter.messages.MessageContext;

/**
 * A connection on which an interrupted thread can write. ZeroMQ's sockets do not survive an
 * interrupt, or lose parts of the message; so the interrupt waits while a message is on its way
 * ({@link #betweenMessages}), and one that is pending is put aside.
 */
final class SafeReplies extends JupyterConnection {

  SafeReplies(KernelConnectionProperties properties)
      throws NoSuchAlgorithmException, InvalidKeyException {
    super(properties);
  }

  /** Does something while no message is being written. */
  void betweenMessages(Runnable action) {
    synchronized (iopub) {
      action.run();
    }
  }

  @Override
  public ShellReplyEnvironment prepareReplyEnv(ShellChannel shell, MessageContext context) {
    return new Environment(shell, stdin, iopub, context);
  }

  private static final class Environment extends ShellReplyEnvironment {
    Environment(
        ShellChannel shell, StdinChannel stdin, JupyterSocket iopub, MessageContext context) {
      super(shell, stdin, iopub, context);
    }

    @Override
    public void publish(Message<?> message) {
      synchronized (getIopub()) {
        boolean interrupted = Thread.interrupted();
        try {
          super.publish(message);
        } finally {
          if (interrupted) {
            Thread.currentThread().interrupt();
          }
        }
      }
    }
  }
}
