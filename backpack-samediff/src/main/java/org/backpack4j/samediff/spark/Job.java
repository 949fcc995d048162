package org.backpack4j.samediff.spark;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.NotSerializableException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.ObjectStreamClass;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.util.TreeMap;
import org.backpack4j.samediff.dataset.GraphRecipe;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What goes to every executor: as bytes, whatever serialiser Spark has been told to use for data.
 *
 * @param recipe how the graphs are made
 * @param fixed what is fed with every batch
 */
record Job(GraphRecipe recipe, TreeMap<String, INDArray> fixed) implements Serializable {
  byte[] bytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(this);
    } catch (NotSerializableException e) {
      throw new IllegalArgumentException(
          "The job cannot be sent to the executors, since "
              + e.getMessage()
              + " is not java.io.Serializable: extensions, rules, converters and recipes of your"
              + " own have to be.",
          e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  static Job read(byte[] bytes) {
    try (ObjectInputStream in = new Input(new ByteArrayInputStream(bytes))) {
      return (Job) in.readObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(
          "An executor does not know the class " + e.getMessage() + ": add its jar to the job's.",
          e);
    }
  }

  /** Finds the classes of a job's own jars. */
  private static final class Input extends ObjectInputStream {
    Input(InputStream in) throws IOException {
      super(in);
    }

    @Override
    protected Class<?> resolveClass(ObjectStreamClass type)
        throws IOException, ClassNotFoundException {
      ClassLoader loader = Thread.currentThread().getContextClassLoader();
      try {
        return Class.forName(type.getName(), false, loader);
      } catch (ClassNotFoundException e) {
        return super.resolveClass(type); // primitive types, for one
      }
    }
  }
}
