# unlearn-eval on a CPU: for a competition's workers, and to try submissions out.
# Build: docker build -t unlearn-eval .   With PyTorch's index of CPU wheels it is without
# CUDA's libraries, gigabytes smaller: --build-arg PIP_EXTRA_INDEX_URL=ADDRESS
# Runs are isolated as far as the container may; `unlearn-eval doctor` says what is missing.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends bubblewrap git make openssh-client \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/unlearn-eval
COPY . .
ARG PIP_EXTRA_INDEX_URL
RUN make setup
ENV PATH="/opt/unlearn-eval/.venv/bin:$PATH" UNLEARN_EVAL_CACHE=/opt/unlearn-eval-cache
# Fetches CIFAR-10; later phases bring their own banks along. Any user may add to it.
RUN unlearn-eval reference info --track cifar10-quick && unlearn-eval doctor \
    && chmod -R a+rwX "$UNLEARN_EVAL_CACHE"

CMD ["unlearn-eval", "doctor"]
