package io.audiowriter.client;

import io.grpc.Attributes;
import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.SynchronizationContext;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;

/**
 * Resolves several targets as one: the result has the addresses of all targets that resolve. gRPC's DNS resolver
 * accepts only one name, but servers may have different names. TLS verifies each address by the name of its target.
 */
final class TargetList extends NameResolver {
    private static final String SCHEME = "audiowriter-targets";

    private final SynchronizationContext context;
    private final List<NameResolver> resolvers = new ArrayList<>();
    /** Results by resolver; null: no result yet. Used in the synchronization context only. */
    private final List<StatusOr<List<EquivalentAddressGroup>>> answers = new ArrayList<>();

    static {
        NameResolverRegistry.getDefaultRegistry().register(new Provider());
    }

    private TargetList(String[] targets, Args args) {
        context = args.getSynchronizationContext();
        Factory factory = NameResolverRegistry.getDefaultRegistry().asFactory();
        for (String target : targets) {
            resolvers.add(factory.newNameResolver(uri("dns", target), args));
            answers.add(null);
        }
    }

    /** Combines several targets of the form {@code host:port} into one gRPC target. */
    static String join(List<String> targets) {
        return uri(SCHEME, String.join(",", targets)).toString();
    }

    private static URI uri(String scheme, String path) {
        try {
            return new URI(scheme, "", "/" + path, null);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("not a target: " + path, e);
        }
    }

    @Override
    public String getServiceAuthority() {
        return resolvers.get(0).getServiceAuthority();
    }

    @Override
    public void start(Listener2 listener) {
        for (int i = 0; i < resolvers.size(); i++) {
            resolvers.get(i).start(new Answer(i, listener));
        }
    }

    @Override
    public void refresh() {
        resolvers.forEach(NameResolver::refresh);
    }

    @Override
    public void shutdown() {
        resolvers.forEach(NameResolver::shutdown);
    }

    /** Waits for every target, so that the first stream does not depend on which one resolves first. */
    private Status publish(Listener2 listener) {
        if (answers.contains(null)) {
            return Status.OK;
        }
        List<EquivalentAddressGroup> groups = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            if (answers.get(i).hasValue()) {
                Attributes ownName = Attributes.newBuilder()
                        .set(EquivalentAddressGroup.ATTR_AUTHORITY_OVERRIDE, resolvers.get(i).getServiceAuthority())
                        .build();
                for (EquivalentAddressGroup group : answers.get(i).getValue()) {
                    groups.add(new EquivalentAddressGroup(group.getAddresses(), ownName));
                }
            }
        }
        return listener.onResult2(ResolutionResult.newBuilder()
                .setAddressesOrError(groups.isEmpty() ? answers.get(0) : StatusOr.fromValue(groups))
                .build());
    }

    private final class Answer extends Listener2 {
        private final int index;
        private final Listener2 listener;

        Answer(int index, Listener2 listener) {
            this.index = index;
            this.listener = listener;
        }

        @Override
        public void onResult(ResolutionResult result) {
            context.execute(() -> onResult2(result));
        }

        @Override
        public Status onResult2(ResolutionResult result) {
            answers.set(index, result.getAddressesOrError());
            Status accepted = publish(listener);
            // A status other than OK makes the resolver retry, even if the other targets suffice for now.
            return answers.get(index).hasValue() ? accepted : answers.get(index).getStatus();
        }

        @Override
        public void onError(Status error) {
            onResult(ResolutionResult.newBuilder().setAddressesOrError(StatusOr.fromStatus(error)).build());
        }
    }

    private static final class Provider extends NameResolverProvider {
        @Override
        public NameResolver newNameResolver(URI target, Args args) {
            return SCHEME.equals(target.getScheme())
                    ? new TargetList(target.getPath().substring(1).split(","), args)
                    : null;
        }

        @Override
        public String getDefaultScheme() {
            return SCHEME;
        }

        @Override
        protected boolean isAvailable() {
            return true;
        }

        /** Lower than DNS (5), because targets without a scheme use the provider with the highest priority. */
        @Override
        protected int priority() {
            return 0;
        }
    }
}
