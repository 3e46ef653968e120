# The argon command line. The server is another container's, or any other: name it with ARGON_MONGODB_URI.
#
#   docker build -t argon .
#   docker run --rm -e ARGON_MONGODB_URI="mongodb://…/?replicaSet=rs0" argon project list

FROM python:3.12-slim

COPY pyproject.toml setup.py README.md /src/
COPY argon /src/argon
COPY cli /src/cli
RUN pip install --no-cache-dir /src

RUN useradd --create-home argon
USER argon
# Mount files to import here; `argon use` keeps its context here too.
WORKDIR /data

ENTRYPOINT ["argon"]
