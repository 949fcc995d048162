package org.backpack4j.examples.notebook;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import jdk.jshell.execution.LoaderDelegate;
import jdk.jshell.spi.ExecutionControl.ClassBytecodes;
import jdk.jshell.spi.ExecutionControl.ClassInstallException;
import jdk.jshell.spi.ExecutionControl.InternalException;
import org.jspecify.annotations.Nullable;

/**
 * The compiled cells, in a class loader of this virtual machine: what they compute are ordinary
 * objects, which the renderers see.
 */
final class CellClasses implements LoaderDelegate {

  private final Loader loader = new Loader(CellClasses.class.getClassLoader());

  ClassLoader loader() {
    return loader;
  }

  @Override
  public void load(ClassBytecodes[] classes) throws ClassInstallException {
    for (ClassBytecodes one : classes) {
      loader.waiting.put(one.name(), StopChecks.in(one.bytecodes()));
    }
    boolean[] loaded = new boolean[classes.length];
    for (int k = 0; k < classes.length; k++) {
      try {
        var unused = loader.loadClass(classes[k].name()).getDeclaredMethods(); // links it
        loaded[k] = true;
      } catch (ClassNotFoundException | LinkageError e) {
        throw (ClassInstallException)
            new ClassInstallException("Cannot load " + classes[k].name() + ": " + e, loaded)
                .initCause(e);
      }
    }
  }

  @Override
  public void classesRedefined(ClassBytecodes[] classes) {
    // JShell then declares the classes anew, under other names.
  }

  @Override
  public void addToClasspath(String path) throws InternalException {
    for (String entry : path.split(File.pathSeparator, -1)) {
      if (!entry.isEmpty()) {
        try {
          loader.addURL(Path.of(entry).toUri().toURL());
        } catch (MalformedURLException e) {
          throw new InternalException(entry + ": " + e.getMessage());
        }
      }
    }
  }

  @Override
  public Class<?> findClass(String name) throws ClassNotFoundException {
    return loader.loadClass(name);
  }

  private static final class Loader extends URLClassLoader {
    private final Map<String, byte[]> waiting = new HashMap<>();

    Loader(@Nullable ClassLoader parent) {
      super(new URL[0], parent);
      setDefaultAssertionStatus(true); // a notebook says what it takes for granted
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
      byte[] code = waiting.remove(name);
      return code == null ? super.findClass(name) : defineClass(name, code, 0, code.length);
    }

    @Override
    protected void addURL(URL url) {
      super.addURL(url);
    }
  }
}
