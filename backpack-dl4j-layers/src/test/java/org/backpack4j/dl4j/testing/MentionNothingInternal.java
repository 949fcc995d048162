package org.backpack4j.dl4j.testing;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaMember;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.domain.JavaType;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Set;
import java.util.stream.Stream;

/** That what a program sees of a class is made of types that it may use, too. */
public final class MentionNothingInternal extends ArchCondition<JavaClass> {
  private final String root;
  private final Set<String> except;

  /**
   * Looks at supertypes, and at public and protected fields, methods and constructors.
   *
   * @param root packages below it that have a part named {@code internal} are internal
   * @param except members that are let pass, {@code <class>.<name>}
   */
  public MentionNothingInternal(String root, Set<String> except) {
    super("mention no internal type in what a program sees");
    this.root = root;
    this.except = except;
  }

  @Override
  public void check(JavaClass item, ConditionEvents events) {
    Stream.concat(item.getSuperclass().stream(), item.getInterfaces().stream())
        .forEach(type -> check(item, item.getName() + " extends", type, events));
    item.getMembers().stream()
        .filter(MentionNothingInternal::isSeen)
        .filter(member -> !except.contains(item.getName() + "." + member.getName()))
        .forEach(
            member -> types(member).forEach(t -> check(item, member.getFullName(), t, events)));
  }

  /** Bridges and accessors are the compiler's. */
  private static boolean isSeen(JavaMember member) {
    Set<JavaModifier> modifiers = member.getModifiers();
    return !modifiers.contains(JavaModifier.SYNTHETIC)
        && (modifiers.contains(JavaModifier.PUBLIC) || modifiers.contains(JavaModifier.PROTECTED));
  }

  private static Stream<JavaType> types(JavaMember member) {
    if (member instanceof JavaCodeUnit code) {
      return Stream.concat(
          Stream.of(code.getReturnType()),
          Stream.concat(
              code.getParameterTypes().stream(),
              code.getExceptionTypes().stream().map(JavaType.class::cast)));
    }
    return Stream.of(((JavaField) member).getType());
  }

  private void check(JavaClass item, String where, JavaType type, ConditionEvents events) {
    for (JavaClass raw : type.getAllInvolvedRawTypes()) {
      String name = raw.getBaseComponentType().getPackageName();
      boolean internal = name.startsWith(root) && (name + ".").contains(".internal.");
      String message = where + " mentions " + raw.getName();
      events.add(new SimpleConditionEvent(item, !internal, message));
    }
  }
}
